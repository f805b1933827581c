//! The command line as its users meet it: one module a promise, each over real processes.

mod bad_input;
mod bad_keys;
mod cert;
mod conflicts;
mod create;
mod encrypt;
mod faults;
mod in_place;
mod inspect;
mod lists;
mod options;
mod outputs;
mod pass_through;
mod prompt;
mod properties;
mod reaching;
mod samples;
mod server;
mod set;

mod templates;
mod unseal;
