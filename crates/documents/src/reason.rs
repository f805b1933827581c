//! The stable reason of a document's error.

use seal_api::Reason;
use seal_manifest::Error;

/// The stable reason of an error of `seal-manifest`: the bytes are no text, there is too much of it, it says nothing that
/// can be read, or it cannot be changed as asked for.
pub fn reason(error: &Error) -> Reason {
    match error {
        Error::NotUtf8 { .. } | Error::NotUtf16 { .. } => Reason::InvalidEncoding,
        Error::TooLarge { .. }
        | Error::TooManyDocuments { .. }
        | Error::TooManyNodes { .. }
        | Error::TooDeep { .. } => Reason::TooLarge,
        Error::EditNotPossible { .. }
        | Error::EditsOverlap { .. }
        | Error::EditNotVerified { .. }
        | Error::NotInText => Reason::Unwritable,
        _ => Reason::InvalidSyntax,
    }
}

#[cfg(test)]
mod tests {
    use seal_manifest::{Edits, Limits, Text, read};

    use super::*;

    #[track_caller]
    fn check(error: Option<Error>, expected: Reason) {
        assert_eq!(error.as_ref().map(reason), Some(expected));
    }

    #[test]
    fn each_way_to_fail_has_its_reason() {
        check(Text::decode(b"a: \xff").err(), Reason::InvalidEncoding);
        check(Text::decode(b"\xff\xfea").err(), Reason::InvalidEncoding);
        let few = Limits {
            documents: 1,
            ..Limits::default()
        };
        check(read("a: b\n---\nc: d\n", &few).err(), Reason::TooLarge);
        let first = |text: &str, limits: &Limits| read(text, limits).unwrap().documents.remove(0);
        let flat = Limits {
            depth: 2,
            ..Limits::default()
        };
        check(first("a: {b: {c: d}}\n", &flat).err(), Reason::TooLarge);
        check(
            first("a: [", &Limits::default()).err(),
            Reason::InvalidSyntax,
        );
        let foreign = first("a: b\n", &Limits::default()).unwrap();
        let mut edits = Edits::new("");
        check(
            edits
                .replace_scalar(foreign.root.get("a").unwrap(), "c")
                .err(),
            Reason::Unwritable,
        );
    }
}
