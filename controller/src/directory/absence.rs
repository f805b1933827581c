//! When a SealedSecret that is not found counts as deleted, so that its Secret is deleted too. Pure.
//!
//! A file that is being written, cannot be read or is broken must never cost a Secret. So a SealedSecret counts as deleted
//! only when all of these hold:
//!
//! 1. the file that held it last was read completely and holds other documents, or is gone from a folder that was
//!    listed; an empty file, or one that ends where a document begins, proves nothing;
//! 2. every file that is broken now was broken with the same bytes before the SealedSecret went missing, so that it
//!    cannot have moved there; a file or folder that cannot be read proves nothing;
//! 3. where the status does not tell which file held it, no file is broken at all;
//! 4. it has been missing, and no file was changed, for [`GRACE`], so that a file written in pieces, or moved, has time to
//!    be whole.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::catalogue::{FileState, shown};

/// How long a SealedSecret has to be missing.
pub(super) const GRACE: SignedDuration = SignedDuration::from_secs(2);

/// What a missing SealedSecret means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Absence {
    /// It was deleted.
    Deleted,
    /// It may be back; look again then.
    Until(Timestamp),
    /// It may be somewhere; the sentence says where.
    Unproven(String),
}

/// What is known of one missing SealedSecret.
#[derive(Debug)]
pub(super) struct Missing<'m> {
    /// The file that held it last, where the status tells.
    pub(super) file: Option<&'m str>,
    /// Since when it has been missing.
    pub(super) since: Timestamp,
    /// When a file was changed last.
    pub(super) modified: Option<Timestamp>,
}

impl Missing<'_> {
    /// Since when it has been missing and nothing was written. A file from the future says nothing.
    fn quiet_since(&self, now: Timestamp) -> Timestamp {
        let soon = now.checked_add(GRACE).unwrap_or(Timestamp::MAX);
        let modified = self.modified.filter(|modified| *modified <= soon);
        modified.map_or(self.since, |modified| self.since.max(modified.min(now)))
    }
}

/// Judges one missing SealedSecret, from every file's state and since when each broken one has been so.
pub(super) fn judge(
    missing: &Missing<'_>,
    files: &BTreeMap<String, FileState>,
    broken_since: &BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> Absence {
    let may_hold_it = |path: &str| match missing.file {
        None => true,
        Some(_) => broken_since
            .get(path)
            .is_none_or(|since| *since >= missing.since),
    };
    for (path, state) in files {
        let is_its_file = missing.file == Some(path);
        let unproven = match state {
            FileState::Well => false,
            FileState::Empty | FileState::Unfinished => is_its_file,
            FileState::Broken(_) => {
                is_its_file || is_above(path, missing.file) || may_hold_it(path)
            }
        };
        if unproven {
            let what = match state {
                FileState::Empty => "is empty",
                FileState::Unfinished => "ends with ---, as a file that is being written",
                FileState::Well | FileState::Broken(_) => "cannot be read completely",
            };
            return Absence::Unproven(format!("{} {what}", shown(path)));
        }
    }
    match missing.quiet_since(now).checked_add(GRACE) {
        Ok(until) if now < until => Absence::Until(until),
        Ok(_) | Err(_) => Absence::Deleted,
    }
}

fn is_above(folder: &str, file: Option<&str>) -> bool {
    file.and_then(|file| file.strip_prefix(folder))
        .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "app/db.yaml";
    const BROKEN: FileState = FileState::Broken(None);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number is a time")
    }

    /// `db`, last seen in [`FILE`], went missing at 100; `files` are there, broken since the second given.
    #[track_caller]
    fn check(file: Option<&str>, files: &[(&str, FileState, i64)], expected: &str) {
        let states = files
            .iter()
            .map(|(path, state, _)| ((*path).to_owned(), *state))
            .collect();
        let since = files
            .iter()
            .map(|(path, _, since)| ((*path).to_owned(), at(*since)))
            .collect();
        let missing = Missing {
            file,
            since: at(100),
            modified: None,
        };
        let outcome = match judge(&missing, &states, &since, at(110)) {
            Absence::Deleted => "deleted".to_owned(),
            Absence::Until(_) => "later".to_owned(),
            Absence::Unproven(why) => why,
        };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn it_is_deleted_when_its_file_is_gone_or_reads_well_without_it() {
        check(Some(FILE), &[], "deleted");
        check(Some(FILE), &[(FILE, FileState::Well, 0)], "deleted");
    }

    #[test]
    fn a_broken_or_empty_file_deletes_nothing_of_what_it_held() {
        check(
            Some(FILE),
            &[(FILE, BROKEN, 0)],
            "sealed/app/db.yaml cannot be read completely",
        );
        check(
            Some(FILE),
            &[(FILE, FileState::Empty, 0)],
            "sealed/app/db.yaml is empty",
        );
        check(
            Some(FILE),
            &[(FILE, FileState::Unfinished, 0)],
            "sealed/app/db.yaml ends with ---, as a file that is being written",
        );
    }

    #[test]
    fn a_folder_that_cannot_be_listed_deletes_nothing_of_what_it_held() {
        check(
            Some(FILE),
            &[("app", BROKEN, 0)],
            "sealed/app cannot be read completely",
        );
        check(Some(FILE), &[("ap", BROKEN, 0)], "deleted");
    }

    #[test]
    fn a_file_that_broke_when_it_went_missing_may_hold_it_now() {
        check(
            Some(FILE),
            &[("new.yaml", BROKEN, 100)],
            "sealed/new.yaml cannot be read completely",
        );
        check(Some(FILE), &[("old.yaml", BROKEN, 99)], "deleted");
    }

    #[test]
    fn without_knowing_its_file_everything_has_to_be_readable() {
        check(
            None,
            &[("old.yaml", BROKEN, 0)],
            "sealed/old.yaml cannot be read completely",
        );
        check(
            None,
            &[(FILE, FileState::Well, 0), ("e.yaml", FileState::Empty, 0)],
            "deleted",
        );
    }

    #[test]
    fn it_has_to_be_missing_and_everything_quiet_for_a_while() {
        for (since, modified, expected) in [
            (109, None, Absence::Until(at(111))),
            (100, None, Absence::Deleted),
            (100, Some(109), Absence::Until(at(111))),
            (100, Some(108), Absence::Deleted),
            (100, Some(111), Absence::Until(at(112))),
            (100, Some(900), Absence::Deleted),
        ] {
            let missing = Missing {
                file: Some(FILE),
                since: at(since),
                modified: modified.map(at),
            };
            let judged = judge(&missing, &BTreeMap::new(), &BTreeMap::new(), at(110));
            assert_eq!(judged, expected);
        }
    }
}
