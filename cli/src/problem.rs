//! One thing that went wrong: why, where, what to do. Never holds a value.

use std::fmt;

use seal_api::Reason;
use seal_shell::{Sanitised, SanitisedWord};
use serde::{Serialize, Serializer};

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Place {
    /// The file as the user named it, or `standard input`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// The document in the file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<usize>,
    /// The line in the file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    /// The column in the line, from 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<usize>,
}

impl Place {
    /// A file as a whole.
    pub(crate) fn file(name: &str) -> Self {
        Self {
            file: Some(name.to_owned()),
            ..Self::default()
        }
    }
}

impl fmt::Display for Place {
    /// `FILE:LINE:COLUMN: document N: `, as far as known.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(formatter, "{}", SanitisedWord(file))?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(formatter, ":{number}")?;
            }
            formatter.write_str(": ")?;
        }
        match self.document {
            Some(document) => write!(formatter, "document {document}: "),
            None => Ok(()),
        }
    }
}

/// One thing that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) reason: Reason,
    pub(crate) place: Place,
    /// What could not be done and to what; lower case, no full stop.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<Box<str>>,
}

impl Problem {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            place: Place::default(),
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// The error without its reason, as kubeseal writes errors.
    pub(crate) fn without_reason(&self) -> String {
        let Self {
            place,
            message,
            hint,
            ..
        } = self;
        let hint = hint
            .as_deref()
            .map(|hint| format!("\n  hint: {}", Sanitised(hint)));
        format!(
            "error: {place}{}{}",
            Sanitised(message),
            hint.unwrap_or_default()
        )
    }

    pub(crate) fn hint(mut self, hint: impl Into<Box<str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    /// `error[Reason]: PLACE: message`, and the hint on a line of its own.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "error[{}]: {}{}",
            self.reason,
            self.place,
            Sanitised(&self.message)
        )?;
        match &self.hint {
            Some(hint) => write!(formatter, "\n  hint: {}", Sanitised(hint)),
            None => Ok(()),
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line<'p> {
            level: &'static str,
            reason: &'static str,
            #[serde(flatten)]
            place: &'p Place,
            message: &'p str,
            #[serde(skip_serializing_if = "Option::is_none")]
            hint: Option<&'p str>,
        }
        let Self {
            reason,
            place,
            message,
            hint,
        } = self;
        let hint = hint.as_deref();
        Line {
            level: "error",
            reason: reason.as_str(),
            place,
            message,
            hint,
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_reason_place_message_and_hint() {
        let place = Place {
            file: Some("a.yaml".into()),
            document: Some(2),
            line: Some(7),
            column: Some(3),
        };
        let problem = Problem::new(Reason::InvalidValue, "stringData.port is a number")
            .at(place)
            .hint("quote it");
        let text = "error[InvalidValue]: a.yaml:7:3: document 2: stringData.port is a number\n  hint: quote it";
        assert_eq!(problem.to_string(), text);
        let json = serde_json::to_value(&problem).expect("it serialises");
        assert_eq!(json["reason"], "InvalidValue");
        assert_eq!(json["line"], 7);
    }

    #[test]
    fn a_file_name_stays_on_its_line() {
        let place = Place::file("a\nerror[InvalidName]: b");
        assert_eq!(place.to_string(), "a\\nerror[InvalidName]: b: ");
    }
}
