//! The directory shell of the controller, end to end: files in, files out.

#[path = "directory/audit.rs"]
mod audit;
#[path = "directory/deleting.rs"]
mod deleting;
#[path = "directory/disk.rs"]
mod disk;
#[path = "directory/flags.rs"]
mod flags;
#[path = "directory/http.rs"]
mod http;
#[path = "directory/junk.rs"]
mod junk;
#[path = "directory/keys.rs"]
mod keys;
#[path = "directory/metrics.rs"]
mod metrics;
#[path = "directory/process.rs"]
mod process;
#[path = "directory/random.rs"]
mod random;
#[path = "directory/refused.rs"]
mod refused;
#[path = "directory/secrets.rs"]
mod secrets;
#[path = "directory/store.rs"]
mod store;
#[path = "directory/unheard.rs"]
mod unheard;
