//! Faults of the disk.

#[path = "disk/faults.rs"]
mod faults;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use seal_tests::fault::{self, Volume};

use crate::store::{MARKER, Store, sealed, value};

#[test]
fn a_full_disk_loses_nothing_and_heals() {
    let store = Store::new();
    let volume = Volume::new(256);
    fs::create_dir(volume.path().join("secrets")).unwrap();
    std::os::unix::fs::symlink(volume.path().join("secrets"), store.path("secrets")).unwrap();
    store.put_db("one");
    let mut controller = store.start();
    controller.wait_until("the Secret is made", |_| store.db() == "one");
    volume.fill();
    store.put_db("two");
    controller.wait_until("it says so", |_| store.db_reason() == "Unwritable");
    assert_eq!(store.db(), "one");
    let names: Vec<_> = fs::read_dir(volume.path().join("secrets/app"))
        .unwrap()
        .collect();
    assert_eq!(names.len(), 1, "no temporary file is left");
    fs::remove_file(volume.path().join("filler")).unwrap();
    controller.wait_until("it heals", |_| {
        store.db() == "two" && store.db_reason() == "Unsealed"
    });
    controller
        .stop()
        .exits(0)
        .says("secrets/app/db.yaml cannot be written")
        .never_shows(MARKER);
}

#[test]
fn a_read_only_folder_is_reported_and_nothing_lost() {
    let store = Store::new();
    let mut volume = Volume::new(256);
    let copy = |from: &str, to: &str| {
        let to = volume.path().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(store.path(from), to).unwrap();
    };
    store.put_db("one");
    copy("keys/fixed.yaml", "keys/fixed.yaml");
    copy("sealed/app/db.yaml", "sealed/app/db.yaml");
    let root = volume.path().display().to_string();
    let once = |store: &Store| {
        store
            .scratch
            .controller(["--once", "--key-renew-period", "0", "--directory", &root])
            .finish()
    };
    once(&store).exits(0);
    let other = sealed("app", "other", "2");
    fs::write(volume.path().join("sealed/app/other.yaml"), other).unwrap();
    volume.make_read_only();
    let run = once(&store).exits(3).never_shows(MARKER);
    run.says("error[Unwritable]: sealed/app/other.yaml: document 1: app/other: secrets/app/other.yaml cannot be written: ")
        .says("error[Unwritable]: status/app/status.yaml: cannot be written: ");
    let kept = fs::read_to_string(volume.path().join("secrets/app/db.yaml")).unwrap();
    assert_eq!(value(&kept), "one");
}

#[test]
fn a_file_that_may_not_be_read_deletes_nothing() {
    let store = Store::new();
    store.put_db("one");
    let without_privileges = || {
        let run = store.run(["--once"]).without_privileges();
        run.finish().never_shows(MARKER)
    };
    // What the test made as another user has to belong to the one that the controller runs as.
    open_to_all(&store.path(""));
    without_privileges().exits(0);
    fault::unreadable(&store.path("sealed/app/db.yaml"));
    without_privileges()
        .exits(3)
        .says("error[Unreadable]: sealed/app/db.yaml: cannot be read: ");
    without_privileges().exits(3);
    assert_eq!(store.db(), "one");
}

fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).expect("the folder is ours");
    for entry in fs::read_dir(folder).expect("it is a folder") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            open_to_all(&path);
        }
    }
}
