//! Text from outside on its way to a terminal or log.

use std::fmt;

/// Text from outside, with what could deceive on a terminal escaped: control characters and the marks that turn the
/// writing direction or have no width. Line breaks stay; the alternate form (`{:#}`) puts `; ` in their place, for logs.
#[derive(Debug, Clone, Copy)]
pub struct Sanitised<'t>(pub &'t str);

impl fmt::Display for Sanitised<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line_break = if formatter.alternate() { "; " } else { "\n" };
        write_sanitised(self.0, line_break, formatter)
    }
}

/// As [`Sanitised`], for a name or the like: a line break is escaped as well, so that nothing in it begins a line of its
/// own.
#[derive(Debug, Clone, Copy)]
pub struct SanitisedWord<'t>(pub &'t str);

impl fmt::Display for SanitisedWord<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_sanitised(self.0, "\\n", formatter)
    }
}

fn write_sanitised(
    text: &str,
    line_break: &str,
    formatter: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for c in text.chars() {
        match c {
            '\n' => formatter.write_str(line_break)?,
            c if deceives(c) => write!(formatter, "{}", c.escape_unicode())?,
            c => write!(formatter, "{c}")?,
        }
    }
    Ok(())
}

fn deceives(c: char) -> bool {
    let is_unseen = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    c.is_control() || is_unseen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_steer_a_terminal() {
        let text = Sanitised("a\u{1b}[31mb\u{202e}c\nd");
        assert_eq!(text.to_string(), "a\\u{1b}[31mb\\u{202e}c\nd");
        assert_eq!(format!("{text:#}"), "a\\u{1b}[31mb\\u{202e}c; d");
    }

    #[test]
    fn a_name_from_outside_begins_no_line() {
        let word = SanitisedWord("a\u{1b}[31m\nb\r");
        assert_eq!(word.to_string(), "a\\u{1b}[31m\\nb\\u{d}");
    }
}
