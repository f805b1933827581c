//! What no finished tree has: unfinished marks in code, and paths of somebody's own machine anywhere.

use std::fs;

use anyhow::{Context, Result};

use crate::workspace;

/// Put together here, so that this file does not find itself.
const UNFINISHED: [&str; 6] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("#[", "ignore"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];
const OWN_PATHS: [&str; 3] = [
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
];

/// Returns a sentence for each mark and each path.
pub(super) fn check(files: &[String]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for name in files.iter().filter(|name| !name.ends_with(".lock")) {
        let bytes = fs::read(workspace::root().join(name)).with_context(|| name.clone())?;
        // Corpora and vectors are not text.
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        for (index, line) in text.lines().enumerate() {
            let mark = mark(line)
                .filter(|_| name.ends_with(".rs"))
                .map(|mark| format!("unfinished: {mark}"));
            let path = own_path(line).map(|path| format!("a path of one machine: {path}"));
            let found = mark.into_iter().chain(path);
            findings.extend(found.map(|found| format!("{name}:{}: {found}", index + 1)));
        }
    }
    Ok(findings)
}

fn mark(line: &str) -> Option<&'static str> {
    UNFINISHED.into_iter().find(|mark| line.contains(mark))
}

/// An absolute path: one that is not the end of a longer path or of an address.
fn own_path(line: &str) -> Option<&'static str> {
    OWN_PATHS.into_iter().find(|path| {
        line.match_indices(path).any(|(index, _)| {
            let before = line[..index].chars().next_back();
            !before.is_some_and(|letter| letter.is_alphanumeric() || "_.}-$".contains(letter))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_path_is_found_and_a_relative_one_is_not() {
        let home = OWN_PATHS[0];
        assert_eq!(own_path(&format!("see {home}me/notes")), Some(home));
        assert_eq!(own_path(&format!("{home}me/notes")), Some(home));
        assert_eq!(
            own_path(&format!("tests{home}x and example.com{home}")),
            None
        );
    }

    #[test]
    fn unfinished_marks_are_found() {
        assert_eq!(
            mark(&format!("    {}\"later\")", UNFINISHED[0])),
            Some(UNFINISHED[0])
        );
        assert_eq!(mark("fn to_do() {}"), None);
    }
}
