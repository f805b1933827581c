//! The words of a target's format, from a file in libFuzzer's form, which both fuzzers read.

use std::{fs, path::Path};

/// Reads `tests/dictionaries/NAME.dict`: one word a line in double quotes, with `\\`, `\"` and `\xNN`; `#` begins a comment.
pub(super) fn read(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("dictionaries")
        .join(format!("{name}.dict"));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| word(line).unwrap_or_else(|| panic!("{}: not a word: {line}", path.display())))
        .collect()
}

fn word(line: &str) -> Option<Vec<u8>> {
    let quoted = line.strip_prefix('"')?.strip_suffix('"')?;
    let (mut word, mut rest) = (Vec::new(), quoted.as_bytes());
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            word.push(*first);
            continue;
        }
        let [escape, after @ ..] = rest else {
            return None;
        };
        rest = after;
        if *escape == b'x' {
            let (digits, after) = rest.split_at_checked(2)?;
            let digits = str::from_utf8(digits).ok()?;
            word.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        } else if matches!(escape, b'\\' | b'"') {
            word.push(*escape);
        } else {
            return None;
        }
    }
    (!word.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hold_escapes_and_nothing_else_is_a_word() {
        assert_eq!(word(r#""a\x0a\"\\""#).as_deref(), Some(&b"a\n\"\\"[..]));
        for wrong in [r#""""#, r#""a"#, "a", r#""\n""#, r#""\x1""#, r#""\"#] {
            assert_eq!(word(wrong), None, "{wrong}");
        }
    }
}
