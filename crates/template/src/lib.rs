//! The template language of `spec.template.data`: Go's `text/template` with the functions of sprig, as the controller
//! that we are compatible with renders it.
//!
//! A [`Template`] is parsed from a text and rendered with values by their names. The result is the same, byte for byte,
//! as Go's, or both fail. A template sees nothing but the values it is given; what rendering may take is limited in
//! operations and bytes ([`Limits`]); an [`Error`] holds a place and a problem, never a value.
//!
//! # Grammar
//!
//! ```text
//! template   = { text | action }
//! action     = "{{" [ "- " ] [ statement ] [ " -" ] "}}" | "{{" [ "- " ] "/*" comment "*/" [ " -" ] "}}"
//! statement  = pipeline
//!            | "if" pipeline | "with" pipeline | "range" pipeline
//!            | "else" [ "if" pipeline | "with" pipeline ] | "end"
//!            | "break" | "continue"
//!            | "define" name | "block" name pipeline | "template" name [ pipeline ]
//! pipeline   = [ variable ( ":=" | "=" ) ] command { "|" command }
//!            | variable "," variable ( ":=" | "=" ) command { "|" command }      (in "range" only)
//! command    = operand { space operand }
//! operand    = term { "." identifier }
//! term       = "." | "." identifier | variable | identifier | constant | "(" pipeline ")"
//! variable   = "$" [ identifier ]
//! constant   = "nil" | "true" | "false" | number | character | text in quotes
//! name       = text in quotes
//! ```
//!
//! Numbers, characters and texts in quotes are those of Go. `- ` and ` -` trim the white space before and after.

mod compare;
mod error;
mod escape;
mod exec;
mod fmt;
pub mod functions;
mod heap;
mod lex;
mod limits;
mod node;
pub mod object;
mod parse;
mod regex;
mod text;
pub mod time;
mod unicode;
pub mod value;

use std::collections::BTreeMap;

use jiff::Timestamp;
use zeroize::Zeroizing;

pub use error::{Error, Fault, Position, Problem};
pub use limits::Limits;
pub use text::Text;

/// What fills bytes at random.
pub type Random<'a> = dyn FnMut(&mut [u8]) + 'a;

/// What a rendering may use beside its values, for functions that give something else each time.
#[derive(Default)]
pub struct Allowed<'a> {
    /// Fills bytes at random; for `uuidv4`, `randAlphaNum` and the like.
    pub random: Option<&'a mut Random<'a>>,
    /// What time it is; for `now`, `ago`, and functions of dates that are given none.
    pub now: Option<Timestamp>,
}

/// A template that was parsed.
pub struct Template {
    source: String,
    parsed: parse::Parsed,
}

impl Template {
    /// Parses a template. The name is that of the item: a template may call itself by it.
    ///
    /// # Errors
    ///
    /// When the text is not in the language, or names a function that does not exist.
    pub fn parse(name: &str, source: &str) -> Result<Self, Error> {
        Ok(Self {
            source: source.to_owned(),
            parsed: parse::parse(name, source)?,
        })
    }

    /// The functions that the template names and that have to be allowed, whether they would be called or not, in their
    /// order: as the errors that they are while they are not allowed. A function of dates is one where it is certain that it
    /// is given none, since then it reads the clock.
    pub fn functions_off(&self) -> impl Iterator<Item = Error> {
        let mut position = Position::of(&self.source, 0);
        self.parsed.off.iter().map(move |off| {
            position = position.later(&self.source, off.offset);
            Error {
                position,
                function: Some(off.function.name.to_owned()),
                problem: Problem::FunctionOff(off.why),
            }
        })
    }

    /// Renders with values by their names. What is random or reads the clock fails. What it takes is taken from the limits, so
    /// that the templates of one object can share them.
    ///
    /// # Errors
    ///
    /// When something cannot be evaluated, takes more than the limits allow, or is a function that has to be allowed.
    pub fn render(
        &self,
        values: &BTreeMap<Text, Text>,
        limits: &mut Limits,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.render_allowing(values, limits, Allowed::default())
    }

    /// The same with functions that give something else each time.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn render_allowing(
        &self,
        values: &BTreeMap<Text, Text>,
        limits: &mut Limits,
        allowed: Allowed<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        // For no longer than the template lives.
        let allowed = Allowed {
            random: match allowed.random {
                Some(random) => Some(random),
                None => None,
            },
            now: allowed.now,
        };
        exec::render(&self.source, &self.parsed, values, limits, allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_that_are_off_are_known_before_rendering() {
        let source = "a\n{{ if false }}{{ now }}{{ end }}{{ uuidv4 | upper }}";
        let template = Template::parse("item", source).unwrap();
        let off: Vec<String> = template
            .functions_off()
            .map(|off| off.to_string())
            .collect();
        assert_eq!(
            off,
            [
                "2:18: now: the function is not available: it reads the clock",
                "2:36: uuidv4: the function is not available: it is random"
            ]
        );
        let error = template
            .render(&BTreeMap::new(), &mut Limits::default())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "2:36: uuidv4: the function is not available: it is random"
        );
    }

    #[test]
    fn functions_of_dates_read_the_clock_where_they_are_certainly_given_none() {
        let off = |source: &str| {
            Template::parse("item", source)
                .unwrap()
                .functions_off()
                .count()
        };
        for source in [
            "{{ date \"2006\" .user }}",
            "{{ .user | date \"2006\" }}",
            "{{ if false }}{{ date \"2006\" \"x\" }}{{ end }}",
            "{{ htmlDate (.user) }}",
            "{{ htmlDateInZone 1.5 \"UTC\" }}",
            "{{ dateInZone \"2006\" nil \"UTC\" }}",
            "{{ range 2 }}{{ $.user | htmlDate }}{{ end }}",
            "{{ with .user }}{{ else }}{{ print (date \"2006\" .user) }}{{ end }}",
        ] {
            assert_eq!(off(source), 1, "{source}");
        }
        for source in [
            "{{ date \"2006\" 0 }}",
            "{{ 1e3 | int64 | date \"2006\" }}",
            "{{ .user | toDate \"2006\" | date \"2006\" }}",
            "{{ with dict \"a\" 1 }}{{ .a | htmlDate }}{{ end }}",
            "{{ define \"t\" }}{{ htmlDate .a }}{{ htmlDate $.a }}{{ end }}",
            "{{ $x := 1 }}{{ htmlDate $x }}",
            "{{ if .a }}{{ htmlDate .a }}{{ else }}{{ template \"item\" (dict \"a\" 1) }}{{ end }}",
            "{{ htmlDateInZone 5 \"UTC\" }}",
            "{{ if 1 }}{{ $ = dict \"a\" 1 }}{{ end }}{{ htmlDate $.a }}",
        ] {
            assert_eq!(off(source), 0, "{source}");
        }
        let source = "{{ date \"2006\" (index (list .user uuidv4) 0) }}{{ htmlDate (print now) }}{{ print now | htmlDate }}";
        let template = Template::parse("item", source).unwrap();
        let places: Vec<usize> = template
            .functions_off()
            .map(|off| off.position.offset)
            .collect();
        assert!(places.is_sorted() && places.len() == 3, "{places:?}");
    }

    #[test]
    fn nothing_that_is_shown_for_debugging_holds_a_value() {
        let text = Text::from("correct-horse");
        let value = value::Value::Text(text.clone());
        assert!(!format!("{text:?} {value:?}").contains("horse"));
    }
}
