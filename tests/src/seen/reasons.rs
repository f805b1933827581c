//! Finding reasons in output: `error[WrongKind]` on standard error, `"reason":"WrongKind"` in JSON, `reason="WrongKind"` or
//! `reason=WrongKind` in the controller's log, and `reason: WrongKind` in the status files of the directory shell.

use std::{fs, path::Path, time::SystemTime};

/// The reasons in an output, each once, in order of appearance.
pub fn reasons_in(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let mut found: Vec<String> = Vec::new();
    for (opening, closing) in [
        ("[", "]"),
        ("\"reason\":\"", "\""),
        ("\"reason\": \"", "\""),
    ] {
        for part in text.split(opening).skip(1) {
            if let Some((word, _)) = part.split_once(closing) {
                push(&mut found, word);
            }
        }
    }
    // The controller's log has it with quotes and without.
    for part in text.split("reason=").skip(1) {
        let word = part.strip_prefix('"').unwrap_or(part);
        let end = word.find(|c: char| !c.is_ascii_alphanumeric());
        push(&mut found, &word[..end.unwrap_or(word.len())]);
    }
    for line in text.lines() {
        let line = line.trim_start().trim_start_matches("- ");
        if let Some(word) = line.strip_prefix("reason:") {
            push(&mut found, word.trim().trim_matches(['"', '\'']));
        }
    }
    found
}

/// The reasons in status files below a folder that were written since a moment.
pub fn reasons_in_status_files(folder: &Path, since: SystemTime) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(reasons_in_status_files(&path, since));
        } else if is_status_file(&path, since) {
            found.extend(reasons_in(&fs::read(&path).unwrap_or_default()));
        }
    }
    found
}

fn is_status_file(path: &Path, since: SystemTime) -> bool {
    let named = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().contains("status"));
    let written = path.metadata().and_then(|metadata| metadata.modified());
    named && written.is_ok_and(|written| written >= since)
}

fn push(found: &mut Vec<String>, word: &str) {
    let pascal = word.starts_with(|first: char| first.is_ascii_uppercase())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if pascal && !found.iter().any(|earlier| earlier == word) {
        found.push(word.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found_in_every_form() {
        let output = b"error[WrongKind]: secret.yaml:3:1: x\n\
            {\"reason\":\"BadCertificate\", \"x\": [1]}\n{\"reason\": \"NoKey\"}\n\
            - reason: Unsealed\n  reason: \"Stalled\"\nwarning[WrongKind]: again [usage]\n\
            WARN reason=\"Retrying\" object=\"app/db\"\nWARN x reason=MisplacedKey key=app/db\n";
        let found = reasons_in(output);
        assert_eq!(
            found,
            [
                "WrongKind",
                "BadCertificate",
                "NoKey",
                "Retrying",
                "MisplacedKey",
                "Unsealed",
                "Stalled"
            ]
        );
    }

    #[test]
    fn only_status_files_written_since_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let before = SystemTime::UNIX_EPOCH;
        fs::write(folder.path().join("a.status.yaml"), "reason: Unsealed\n").unwrap();
        fs::write(folder.path().join("input.yaml"), "reason: Planted\n").unwrap();
        assert_eq!(reasons_in_status_files(folder.path(), before), ["Unsealed"]);
        let later = SystemTime::now() + std::time::Duration::from_secs(3600);
        assert!(reasons_in_status_files(folder.path(), later).is_empty());
    }
}
