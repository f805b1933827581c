//! One thing that is not right, where it stands and why.

use std::fmt;

use seal_api::Reason;
use seal_shell::Sanitised;

use super::object_name::ObjectName;

/// One thing that is not right. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    /// The file, from the folder that the controller works in: `sealed/app/db.yaml`.
    pub(super) file: String,
    /// The document, from 1.
    pub(super) document: Option<usize>,
    /// The line, from 1.
    pub(super) line: Option<usize>,
    /// The object, where one is concerned.
    pub(super) object: Option<ObjectName>,
    /// Why.
    pub(super) reason: Reason,
    /// The explanation for people: lower case, no full stop.
    pub(super) message: String,
}

impl Problem {
    /// A problem of a whole file or folder.
    pub(super) fn of_file(
        file: impl Into<String>,
        reason: Reason,
        message: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            document: None,
            line: None,
            object: None,
            reason,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    /// `[Reason]: FILE:LINE: document N: NAMESPACE/NAME: message`, as far as known, on one line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[{}]: {:#}", self.reason, Sanitised(&self.file))?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        formatter.write_str(": ")?;
        if let Some(document) = self.document {
            write!(formatter, "document {document}: ")?;
        }
        if let Some(object) = &self.object {
            write!(formatter, "{object}: ")?;
        }
        write!(formatter, "{:#}", Sanitised(&self.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line_that_says_where_and_why() {
        let problem = Problem {
            file: "sealed/app/d\u{1b}b.yaml".into(),
            document: Some(2),
            line: Some(7),
            object: ObjectName::new("app", "db").ok(),
            reason: Reason::CannotOpen,
            message: "one\ntwo".into(),
        };
        let text = "[CannotOpen]: sealed/app/d\\u{1b}b.yaml:7: document 2: app/db: one; two";
        assert_eq!(problem.to_string(), text);
        let file = Problem::of_file("keys/a.yaml", Reason::Unreadable, "is a folder");
        assert_eq!(file.to_string(), "[Unreadable]: keys/a.yaml: is a folder");
    }
}
