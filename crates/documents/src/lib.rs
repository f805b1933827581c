//! What documents mean to both programs: the stable reason of one that cannot be read or edited, what a list is, and
//! which files hold manifests.
//!
//! `seal-manifest` knows YAML and nothing of Kubernetes, `seal-api` the words and nothing of documents; what needs both
//! stands here, so that no two programs judge the same file differently.

mod file_name;
mod list;
mod reason;

pub use file_name::is_manifest;
pub use list::{implied_kind, implied_version, is_certain_list, list_items, may_be_list};
pub use reason::reason;
