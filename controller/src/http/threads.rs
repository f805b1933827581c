//! The thread that answers: it gives way to the work, however many ask.

use std::io;

use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Runtime};

/// How much it gives way: where all processors are busy it has about a tenth of one, which is enough for the probes.
const NICE: i32 = 10;

/// A runtime with one thread that gives way, and so do those on which it lets others wait.
///
/// # Errors
///
/// The operating system's, where no thread can be made.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("http")
        .on_thread_start(|| {
            // It fails where the whole program gives way even more.
            let _ = setpriority_process(None, NICE);
        })
        .enable_all()
        .build()
}
