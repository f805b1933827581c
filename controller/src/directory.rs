//! The directory shell: keys, SealedSecrets, Secrets and status are files in folders of one folder.
//!
//! | folder | holds | written by |
//! |---|---|---|
//! | `keys/` | key Secrets; the label `active` counts | people, and the controller when a key is due |
//! | `sealed/` | SealedSecrets in any tree of YAML and JSON files | people |
//! | `secrets/` | one Secret a file, `NAMESPACE/NAME.yaml`, 0600 | the controller |
//! | `status/` | what became of each SealedSecret and key | the controller |
//!
//! A pass looks at everything and makes it right; the watch says when to look. [`crate::plan`] decides, and nothing here
//! knows a rule about Secrets that stands there. What counts as a deleted SealedSecret is a matter of files, and stands in
//! `absence`.

mod absence;
mod catalogue;
mod documents;
mod input;
mod keys;
mod layout;
mod memory;
mod object_name;
mod opening;
mod pass;
mod problem;
mod reconcile;
mod records;
mod report;
mod scan;
mod serve;
mod status_files;
mod target;
mod tree;
mod watch;

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    thread,
};

use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};
use seal_shell::ExitCode;

use crate::args::Args;

use layout::{Layout, make_folder};
use pass::Directory;

/// Works in the folder until it is told to stop, or once.
///
/// # Errors
///
/// Where it could not work at all: the folder is not there or another controller works in it, or the address is taken.
pub fn run(args: Args, root: &Path) -> anyhow::Result<ExitCode> {
    if args.once {
        once(args, root)
    } else {
        serve::serve(args, root)
    }
}

/// Opens the folder for this controller alone, making what is missing.
fn open(args: Args, root: &Path, stopping: Arc<AtomicBool>) -> anyhow::Result<Directory> {
    if !root.exists() {
        let above = root
            .parent()
            .filter(|above| !above.as_os_str().is_empty())
            .unwrap_or_else(|| Path::new("."));
        // A path that is mistyped high up should not become a new installation with a new key.
        if !above.is_dir() {
            bail!(
                "the folder {} is not there, and neither is the one above it",
                root.display()
            );
        }
        make_folder(root)
            .with_context(|| format!("the folder {} cannot be made", root.display()))?;
    }
    if !root.is_dir() {
        bail!("{} is not a folder", root.display());
    }
    let layout = Layout::new(root.to_owned());
    let lock = layout
        .lock()
        .with_context(|| format!("the folder {} cannot be locked", root.display()))?;
    let Some(lock) = lock else {
        bail!(
            "another seal-controller works in {} already; stop it first",
            root.display()
        );
    };
    Ok(Directory::new(args, layout, lock, stopping))
}

fn once(args: Args, root: &Path) -> anyhow::Result<ExitCode> {
    let mut directory = open(args, root, Arc::default())?;
    let mut outcome = directory.pass(Timestamp::now());
    // A SealedSecret that is missing gets the time it has while the folder is watched.
    let soon = Timestamp::now()
        .checked_add(absence::GRACE)
        .unwrap_or(Timestamp::MAX);
    if let Some(next) = outcome.next.filter(|next| *next <= soon) {
        thread::sleep(until(next, Timestamp::now()));
        outcome = directory.pass(Timestamp::now());
    }
    Ok(report::print(&outcome))
}

fn until(then: Timestamp, now: Timestamp) -> std::time::Duration {
    then.duration_since(now)
        .max(SignedDuration::ZERO)
        .unsigned_abs()
}
