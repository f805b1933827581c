//! The sealing keys in `keys/`: read, made, renewed, and told of in `status/keys.yaml`.

mod file;
mod hold;
mod read;

use std::{
    collections::{BTreeMap, BTreeSet},
    io, mem,
    sync::Arc,
};

use aws_lc_rs::rand;
use jiff::{SignedDuration, Timestamp};
use seal_api::Reason;
use seal_envelope::{Certificate, GeneratedKey, KeyId, KeySize, Validity, generate_key};
use seal_manifest::write;
use seal_sealing::{KeyRing, Renewal, key_secret, renewal};
use seal_shell::Replace;
use tracing::info;

use super::{
    layout::{Layout, write_private},
    problem::Problem,
    status_files::{KEYS, write_if_changed},
};
use crate::args::Args;
use crate::audit::{self, Caller};
use crate::digest::Digest;

use file::{KeysFile, Line};
use hold::{Hold, Known, hold};
use read::{Entry, State, read_keys};

/// The letters that Kubernetes puts behind a generated name: no vowels, so no words.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The keys at hand and the files they come from.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The keys in use.
    pub(super) ring: Arc<KeyRing>,
    entries: Vec<Entry>,
    /// What was read last; the same again is not taken apart again.
    fingerprint: Option<Digest>,
    /// Whether the folder was read once.
    is_followed: bool,
    /// Files and folders that the operating system did not let us read.
    unread: Vec<Problem>,
    /// The key that was last seen as the current one.
    known: Option<Known>,
    /// Why a key that is due was not made.
    held: Option<Hold>,
}

/// What looking after the keys came to.
#[derive(Debug, Default)]
pub(super) struct KeyCare {
    /// What is broken.
    pub(super) problems: Vec<Problem>,
    /// What works and should be looked at.
    pub(super) warnings: Vec<Problem>,
    /// When the next key is due.
    pub(super) next: Option<Timestamp>,
}

impl Keys {
    /// No keys yet, but what an earlier run knew of them.
    pub(super) fn load(layout: &Layout) -> Self {
        Self {
            known: file::load(&layout.status().join(KEYS)),
            ..Self::default()
        }
    }

    /// Reads the keys, makes one if one is due, and writes `status/keys.yaml`.
    pub(super) fn care(&mut self, layout: &Layout, args: &Args, now: Timestamp) -> KeyCare {
        let mut care = KeyCare::default();
        self.read(layout, args, now);
        match self.renew(layout, args, now) {
            Ok(next) => care.next = next,
            Err(problem) => care.problems.push(*problem),
        }
        care.problems.extend(self.unread.iter().cloned());
        if let Some(hold) = &self.held {
            care.problems
                .push(Problem::of_file("keys", hold.reason, hold.message.clone()));
        }
        let lines = self.lines(now);
        for line in &lines {
            let Some(reason) = line.reason else {
                continue;
            };
            let message = line.message.clone().unwrap_or_default();
            let mut problem = Problem::of_file(line.file.clone(), reason, message);
            problem.document = line.document;
            match line.state {
                State::Broken => care.problems.push(problem),
                State::Current | State::InUse | State::Duplicate | State::Ignored => {
                    care.warnings.push(problem)
                }
            }
        }
        if let Err(error) = write_if_changed(
            &layout.status(),
            &layout.status().join(KEYS),
            &self.file(&lines),
        ) {
            let message = format!("cannot be written: {error}");
            care.problems.push(Problem::of_file(
                "status/keys.yaml",
                Reason::Unwritable,
                message,
            ));
        }
        care
    }

    /// The certificate to seal with.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        self.ring.current().map(|(_, certificate)| certificate)
    }

    /// Tells whether the keys are still the same.
    pub(super) fn id(&self) -> Digest {
        Digest::of(&[self
            .ring
            .keys()
            .iter()
            .map(|key| key.id().full())
            .collect::<String>()
            .as_bytes()])
    }

    fn read(&mut self, layout: &Layout, args: &Args, now: Timestamp) {
        let folder = read_keys(&layout.keys(), &args.key_prefix, now, self.fingerprint);
        self.unread = folder.unread;
        // A folder that cannot be listed does not take the keys away that were read from it before.
        if let Some(keys) = folder.keys {
            self.fingerprint = folder.fingerprint;
            let before = mem::replace(&mut self.entries, keys.entries);
            self.ring = Arc::new(KeyRing::new(keys.held));
            self.tell_changes(&before);
            self.is_followed = true;
        }
        self.known = Known::next(self.known.take(), &self.entries, self.current(), now);
    }

    /// Says of each key that it came, went or is refused; what is there at the start neither came nor went.
    fn tell_changes(&self, before: &[Entry]) {
        let in_use = |entries: &[Entry]| -> BTreeMap<KeyId, String> {
            let used = entries.iter().filter(|entry| entry.state == State::InUse);
            used.filter_map(|entry| Some((entry.key_id?, entry.file.clone())))
                .collect()
        };
        let (then, now) = (in_use(before), in_use(&self.entries));
        for (key, file) in &now {
            if self.is_followed && !then.contains_key(key) {
                audit::key_active(Caller::Watch, file, *key);
            }
        }
        for (key, file) in &then {
            if !now.contains_key(key) {
                audit::key_removed(Caller::Watch, file, *key);
            }
        }
        let broken = |entries: &[Entry]| -> BTreeSet<(String, Option<usize>, Option<Reason>)> {
            let broken = entries.iter().filter(|entry| entry.state == State::Broken);
            broken
                .map(|entry| (entry.file.clone(), entry.document, entry.reason))
                .collect()
        };
        for (file, _, reason) in broken(&self.entries).difference(&broken(before)) {
            audit::key_refused(file, reason.unwrap_or(Reason::UnreadableKey));
        }
    }

    /// Makes a key if one is due. When the next one is due, or why none could be made.
    fn renew(
        &mut self,
        layout: &Layout,
        args: &Args,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Box<Problem>> {
        self.held = None;
        match self.renewal(args, now) {
            Renewal::Never => Ok(None),
            Renewal::At(next) => Ok(Some(next)),
            Renewal::Due => {
                self.held = self.hold(now);
                if let Some(hold) = &self.held {
                    return Ok(hold.until);
                }
                let made = make(
                    layout,
                    &args.key_prefix,
                    args.key_size,
                    &args.my_cn,
                    args.key_ttl,
                    now,
                );
                match &made {
                    Ok((file, key)) => audit::key_made(Caller::Timer, file, Some(*key), true),
                    Err(_) => audit::key_made(Caller::Timer, "", None, false),
                }
                made?;
                self.known = None;
                self.read(layout, args, now);
                Ok(match self.renewal(args, now) {
                    Renewal::At(next) => Some(next),
                    Renewal::Due | Renewal::Never => None,
                })
            }
        }
    }

    fn renewal(&self, args: &Args, now: Timestamp) -> Renewal {
        let newest = self.ring.current().map(|(key, _)| key.since());
        renewal(newest, args.key_renew_period, now)
    }

    /// Why a key that is due may not be made now.
    fn hold(&self, now: Timestamp) -> Option<Hold> {
        let unread = self.unread.first().map(|problem| problem.file.as_str());
        let has_current = self.ring.current().is_some();
        hold(self.known.as_ref(), &self.entries, unread, has_current, now)
    }

    fn current(&self) -> Option<KeyId> {
        self.ring.current().map(|(key, _)| key.id())
    }

    fn file<'k>(&'k self, lines: &'k [Line]) -> KeysFile<'k> {
        KeysFile {
            keys: lines,
            missing: self
                .known
                .as_ref()
                .filter(|known| known.missing_since.is_some()),
            held: self.held.as_ref(),
        }
    }

    /// What `status/keys.yaml` says.
    fn lines(&self, now: Timestamp) -> Vec<Line> {
        let current = self.current();
        let lines = self.entries.iter().map(|entry| {
            let mut line = Line::of(entry);
            if entry.state == State::InUse && entry.key_id == current {
                line.state = State::Current;
                (line.reason, line.message) = expiry(self.certificate(), now);
            }
            line
        });
        lines.collect()
    }
}

/// What is wrong with the validity of the current certificate.
fn expiry(certificate: Option<&Certificate>, now: Timestamp) -> (Option<Reason>, Option<String>) {
    let Some(certificate) = certificate else {
        return (None, None);
    };
    match certificate.validity_at(now) {
        Validity::Valid => (None, None),
        Validity::Expired => {
            let message = format!(
                "the certificate that is sealed with expired at {}",
                certificate.not_after()
            );
            (Some(Reason::CertificateExpired), Some(message))
        }
        Validity::NotYetValid => {
            let message = format!(
                "the certificate that is sealed with is valid from {} on",
                certificate.not_before()
            );
            (Some(Reason::CertificateNotYetValid), Some(message))
        }
    }
}

/// Makes a key and writes its Secret; it is of no use before it is on disk. The file, and the key's id.
fn make(
    layout: &Layout,
    prefix: &str,
    size: KeySize,
    common_name: &str,
    valid_for: SignedDuration,
    now: Timestamp,
) -> Result<(String, KeyId), Box<Problem>> {
    let failed = |reason, error: String| {
        let message = format!("a new key is due and cannot be made: {error}");
        Box::new(Problem::of_file("keys", reason, message))
    };
    let key = generate_key(size, common_name, now, valid_for)
        .map_err(|error| failed(Reason::Retrying, error.to_string()))?;
    let file = write_key(layout, prefix, &key)
        .map_err(|error| failed(Reason::Unwritable, error.to_string()))?;
    let id = key.certificate.key_id();
    info!(file, key = %id, "New key written");
    Ok((file, id))
}

fn write_key(layout: &Layout, prefix: &str, key: &GeneratedKey) -> io::Result<String> {
    loop {
        let mut random = [0; 5];
        rand::fill(&mut random).map_err(|_| io::Error::other("no random bytes"))?;
        let letters = random.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
        let name = format!("{prefix}{}", String::from_iter(letters));
        let path = layout.keys().join(format!("{name}.yaml"));
        let text = write::yaml(&key_secret(key, &name, None)).map_err(io::Error::other)?;
        let keys = layout.keys();
        match write_private(&keys, &path, text.as_bytes(), Replace::Nothing, || true) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            written => return written.map(|_| format!("keys/{name}.yaml")),
        }
    }
}
