//! Text from outside on its way to a terminal or log.

use std::fmt;

/// Text from outside, with what could deceive on a terminal escaped: control characters and the marks that turn the
/// writing direction or have no width. Line breaks stay; the alternate form (`{:#}`) puts `; ` in their place, for logs.
#[derive(Debug, Clone, Copy)]
pub struct Sanitised<'t>(pub &'t str);

impl fmt::Display for Sanitised<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\n' if formatter.alternate() => formatter.write_str("; ")?,
                '\n' => formatter.write_str("\n")?,
                c if deceives(c) => write!(formatter, "{}", c.escape_unicode())?,
                c => write!(formatter, "{c}")?,
            }
        }
        Ok(())
    }
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
}
