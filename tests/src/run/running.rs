//! A program while it runs: waiting for what it says, signalling it, ending it; recorded when it has ended.

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::Child,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use rustix::process::{Pid, Signal, kill_process};

use super::Finished;
use crate::seen::{self, Invocation};

const GLANCE: Duration = Duration::from_millis(2);

/// A program that runs. Dropped before its end, it is killed.
#[derive(Debug)]
pub struct Running {
    child: Child,
    invocation: Option<Invocation>,
    folder: PathBuf,
    begun: SystemTime,
    deadline: Instant,
    stdout: Stream,
    stderr: Stream,
    ended: bool,
}

impl Running {
    pub(super) fn new(
        mut child: Child,
        invocation: Option<Invocation>,
        input: Vec<u8>,
        folder: PathBuf,
        begun: SystemTime,
        limit: Duration,
    ) -> Self {
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        // A program may end without reading its input; that the pipe breaks then is not our concern.
        thread::spawn(move || drop(stdin.write_all(&input)));
        let stdout = Stream::read(child.stdout.take().expect("standard output is a pipe"));
        let stderr = Stream::read(child.stderr.take().expect("standard error is a pipe"));
        let deadline = Instant::now() + limit;
        Self {
            child,
            invocation,
            folder,
            begun,
            deadline,
            stdout,
            stderr,
            ended: false,
        }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until standard error or standard output has this text.
    ///
    /// # Panics
    ///
    /// When the program ends or the time is over before.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(text, |running| {
            running.stderr.has(text.as_bytes()) || running.stdout.has(text.as_bytes())
        });
    }

    /// Waits until something holds, such as a file being there; `what` names it.
    ///
    /// # Panics
    ///
    /// When the program ends or the time is over before.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        loop {
            let ended = self
                .child
                .try_wait()
                .expect("a child of ours can be waited for")
                .is_some();
            if holds(self) {
                return;
            }
            assert!(
                !ended,
                "the program ended before: {what}\n{}",
                self.stderr.text()
            );
            assert!(
                Instant::now() < self.deadline,
                "in vain: {what}\n{}",
                self.stderr.text()
            );
            thread::sleep(GLANCE);
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id is positive"), signal).expect("the child is there");
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    pub fn stop(self) -> Finished {
        self.signal(Signal::TERM);
        self.finish()
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    pub fn finish(mut self) -> Finished {
        let status = loop {
            if let Some(status) = self
                .child
                .try_wait()
                .expect("a child of ours can be waited for")
            {
                break status;
            }
            assert!(
                Instant::now() < self.deadline,
                "it does not end\n{}",
                self.stderr.text()
            );
            thread::sleep(GLANCE);
        };
        self.record(status.code())
    }

    fn record(&mut self, code: Option<i32>) -> Finished {
        let finished = Finished {
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            code,
        };
        if let Some(invocation) = &self.invocation {
            let mut reasons = seen::reasons_in(&finished.stdout);
            reasons.extend(seen::reasons_in(&finished.stderr));
            reasons.extend(seen::reasons_in_status_files(&self.folder, self.begun));
            seen::record(invocation, code, &reasons);
            seen::record_audits(&finished.stdout);
            seen::record_audits(&finished.stderr);
        }
        self.ended = true;
        finished
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // Both fail only for a child that is gone already, which is all we want.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a program has written so far.
#[derive(Debug)]
struct Stream {
    written: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn read(mut pipe: impl Read + Send + 'static) -> Self {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                sink.extend_from_slice(&buffer[..length]);
            }
        });
        Self {
            written,
            reader: Some(reader),
        }
    }

    fn so_far(&self) -> Vec<u8> {
        self.written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.so_far()).into_owned()
    }

    fn has(&self, part: &[u8]) -> bool {
        self.so_far()
            .windows(part.len())
            .any(|window| window == part)
    }

    fn finish(&mut self) -> Vec<u8> {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading a pipe does not panic");
        }
        self.so_far()
    }
}
