//! `tests/exempt.toml`: what need not be seen, each with its reason.

use std::{collections::BTreeMap, fmt};

/// What need not be seen: entry and reason, as in `"seal create --prompt" = "needs a terminal"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exemptions(pub BTreeMap<String, String>);

/// A line that is neither a comment nor `"entry" = "reason"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnExemption {
    /// The line's number, from 1.
    pub line: usize,
}

impl fmt::Display for NotAnExemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {} is not \"entry\" = \"reason\", each entry once",
            self.line
        )
    }
}

impl Exemptions {
    /// Reads the file's text: of TOML only quoted keys with quoted values and comments, which is all it needs.
    ///
    /// # Errors
    ///
    /// At the first line that is anything else, an entry that stands twice, or one without a reason.
    pub fn parse(text: &str) -> Result<Self, NotAnExemption> {
        let mut entries = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = NotAnExemption { line: index + 1 };
            let Some((entry, reason)) = pair(line) else {
                return Err(fault);
            };
            if reason.is_empty()
                || entries
                    .insert(entry.to_owned(), reason.to_owned())
                    .is_some()
            {
                return Err(fault);
            }
        }
        Ok(Self(entries))
    }
}

fn pair(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix('"')?
        .strip_suffix('"')?
        .split_once("\" = \"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_and_reasons_are_read() {
        let text = "# why\n\n\"seal exit 3\" = \"cannot happen yet\"\n";
        let exemptions = Exemptions::parse(text).unwrap();
        assert_eq!(
            exemptions.0.get("seal exit 3").map(String::as_str),
            Some("cannot happen yet")
        );
    }

    #[test]
    fn anything_else_is_refused_with_its_line() {
        for text in ["x = 1", "\"a\" = \"\"", "\"a\"", "[table]"] {
            assert_eq!(
                Exemptions::parse(text),
                Err(NotAnExemption { line: 1 }),
                "{text}"
            );
        }
        let twice = "\"a\" = \"b\"\n\"a\" = \"c\"";
        assert_eq!(Exemptions::parse(twice), Err(NotAnExemption { line: 2 }));
    }
}
