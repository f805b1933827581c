//! What both programs do to the operating system, and nothing else: harden the process, read within bounds, write files
//! whole, wipe freed memory, end with a documented exit code, say why an API server cannot be reached.

mod api_server;
mod beneath;
mod exit_code;
mod files;
mod process;
mod sanitised;
mod write;

pub use api_server::why_unreachable;
pub use beneath::{Beneath, Replace};
pub use exit_code::ExitCode;
pub use files::{
    PlainFile, ReadError, read_file, read_limited, read_plain_file, read_stdin, write_stdout,
};
pub use process::{Allocator, allocator, harden, quiet_panics};
pub use sanitised::{Sanitised, SanitisedWord};
pub use write::{
    LEFTOVER_PREFIX, LEFTOVER_SUFFIX, is_unsynced, write_file, write_file_if, write_new_file,
};
