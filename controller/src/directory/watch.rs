//! Waiting until something happens in the folders, or it is time to look again.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::{Duration, Instant},
};

use notify::{
    Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tracing::warn;

use super::layout::{Layout, is_leftover};

/// How long it has to be quiet before a change is looked at, so that one change is looked at once.
const QUIET: Duration = Duration::from_millis(100);
/// How long changes that never pause may put that off.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often everything is looked at although nothing is known to have happened.
const RESCAN: Duration = Duration::from_secs(60);
/// The same where the system cannot tell what happens.
const RESCAN_UNWATCHED: Duration = Duration::from_secs(2);

/// What can end the waiting.
#[derive(Debug)]
enum Signal {
    Changed,
    Stop,
}

/// Ends the waiting for good.
#[derive(Debug, Clone)]
pub(super) struct Stopper(Sender<Signal>);

impl Stopper {
    pub(super) fn stop(&self) {
        // Nobody waits any more where the other end is gone.
        let _ = self.0.send(Signal::Stop);
    }
}

/// Watches the folders.
#[derive(Debug)]
pub(super) struct Watch {
    signals: Receiver<Signal>,
    watcher: Option<RecommendedWatcher>,
    folders: Vec<PathBuf>,
    /// Device and inode of each folder when it was last looked at; none where it was not there.
    watched: BTreeMap<PathBuf, Option<(u64, u64)>>,
}

/// Why the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    /// There may be something to do.
    Look,
    /// It is over.
    Stop,
}

impl Watch {
    /// Starts watching. Where the system allows none, everything is looked at every few seconds instead.
    pub(super) fn start(layout: &Layout) -> (Self, Stopper) {
        let (sender, signals) = channel();
        let stopper = Stopper(sender.clone());
        let folders = vec![layout.keys(), layout.sealed(), layout.secrets()];
        let mut watch = Self {
            signals,
            watcher: None,
            folders,
            watched: BTreeMap::new(),
        };
        match watcher(sender) {
            Ok(watcher) => {
                watch.watcher = Some(watcher);
                if let Err(error) = watch.watch(layout.root(), RecursiveMode::NonRecursive) {
                    watch.give_up(&error);
                }
                watch.renew();
            }
            Err(error) => watch.give_up(&error),
        }
        (watch, stopper)
    }

    /// Watches each folder that is another one than before. Whether there was one: nobody knows what happened in it
    /// meanwhile.
    pub(super) fn renew(&mut self) -> bool {
        let mut renewed = false;
        for folder in self.folders.clone() {
            let identity = fs::metadata(&folder)
                .ok()
                .map(|metadata| (metadata.dev(), metadata.ino()));
            if self.watcher.is_none() || self.watched.get(&folder) == Some(&identity) {
                continue;
            }
            if let Some(watcher) = &mut self.watcher {
                // It fails where the folder was not watched.
                let _ = watcher.unwatch(&folder);
            }
            match self.watch(&folder, RecursiveMode::Recursive) {
                Err(error) if identity.is_some() => self.give_up(&error),
                Ok(()) | Err(_) => {}
            }
            self.watched.insert(folder, identity);
            renewed |= identity.is_some();
        }
        renewed
    }

    fn watch(&mut self, folder: &Path, mode: RecursiveMode) -> notify::Result<()> {
        self.watcher
            .as_mut()
            .map_or(Ok(()), |watcher| watcher.watch(folder, mode))
    }

    fn give_up(&mut self, error: &notify::Error) {
        warn!(
            "the folders cannot be watched and are looked at every {RESCAN_UNWATCHED:?} instead: {error}"
        );
        self.watcher = None;
    }

    /// Waits for a change, but not longer than until `at_most` is over.
    pub(super) fn wait(&self, at_most: Option<Duration>) -> Woken {
        let rescan = if self.watcher.is_some() {
            RESCAN
        } else {
            RESCAN_UNWATCHED
        };
        let longest = at_most.map_or(rescan, |at_most| at_most.min(rescan));
        match self.signals.recv_timeout(longest) {
            Err(RecvTimeoutError::Timeout) => Woken::Look,
            Err(RecvTimeoutError::Disconnected) | Ok(Signal::Stop) => Woken::Stop,
            Ok(Signal::Changed) => self.settle(),
        }
    }

    /// Waits until it is quiet.
    fn settle(&self) -> Woken {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.signals.recv_timeout(QUIET) {
                Ok(Signal::Changed) => {}
                Err(RecvTimeoutError::Timeout) => return Woken::Look,
                Err(RecvTimeoutError::Disconnected) | Ok(Signal::Stop) => return Woken::Stop,
            }
        }
        Woken::Look
    }
}

fn watcher(sender: Sender<Signal>) -> notify::Result<RecommendedWatcher> {
    let handler = move |event: notify::Result<Event>| {
        if event.as_ref().map_or(true, matters) {
            // Nobody waits any more where the other end is gone.
            let _ = sender.send(Signal::Changed);
        }
    };
    RecommendedWatcher::new(handler, Config::default().with_follow_symlinks(false))
}

/// Whether an event can mean work: reading is none, and neither are the temporary files of writing.
fn matters(event: &Event) -> bool {
    let only_read = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    };
    let leftover = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| is_leftover(&name.to_string_lossy()))
    };
    let temporary = !event.paths.is_empty() && event.paths.iter().all(leftover);
    event.need_rescan() || !only_read && !temporary
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, Flag, ModifyKind, RenameMode};

    use super::*;

    #[track_caller]
    fn check(kind: EventKind, paths: &[&str], expected: bool) {
        let event = paths
            .iter()
            .fold(Event::new(kind), |event, path| event.add_path(path.into()));
        assert_eq!(matters(&event), expected);
    }

    #[test]
    fn writing_matters_and_reading_does_not() {
        let create = EventKind::Create(CreateKind::File);
        check(create, &["sealed/a.yaml"], true);
        check(create, &["secrets/app/.seal-x.tmp"], false);
        let rename = EventKind::Modify(ModifyKind::Name(RenameMode::Both));
        check(
            rename,
            &["secrets/app/.seal-x.tmp", "secrets/app/db.yaml"],
            true,
        );
        check(
            EventKind::Access(AccessKind::Open(AccessMode::Any)),
            &["sealed/a.yaml"],
            false,
        );
        check(
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            &["sealed/a.yaml"],
            true,
        );
    }

    #[test]
    fn lost_events_matter() {
        assert!(matters(
            &Event::new(EventKind::Other).set_flag(Flag::Rescan)
        ));
    }

    #[test]
    fn changes_that_never_pause_do_not_put_a_look_off_for_ever() {
        let (sender, signals) = channel();
        let watch = Watch {
            signals,
            watcher: None,
            folders: Vec::new(),
            watched: BTreeMap::new(),
        };
        let noise = std::thread::spawn(move || {
            while sender.send(Signal::Changed).is_ok() {
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let begun = Instant::now();
        assert_eq!(watch.wait(None), Woken::Look);
        assert!(begun.elapsed() < PATIENCE * 2);
        drop(watch);
        noise.join().expect("it ends when nobody listens");
    }
}
