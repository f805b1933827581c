//! What went wrong with an object: a reason and a message an item, and one verdict for the whole.

use std::fmt;

use seal_api::{Reason, Verdict};

/// One thing that is wrong. Neither field ever holds cleartext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFailure {
    /// The item, where the failure belongs to one.
    pub item: Option<String>,
    /// Why.
    pub reason: Reason,
    /// The explanation for people: lower case, no full stop, without the item's key.
    pub message: String,
}

/// All that is wrong with one object; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(Vec<ItemFailure>);

impl Failure {
    /// A failure of the object as a whole.
    pub fn of_object(reason: Reason, message: impl Into<String>) -> Self {
        Self(vec![ItemFailure {
            item: None,
            reason,
            message: message.into(),
        }])
    }

    /// The failures of items, if there are any.
    pub(crate) fn of_items(items: Vec<ItemFailure>) -> Option<Self> {
        (!items.is_empty()).then_some(Self(items))
    }

    /// Each failure, in the order of the items' keys.
    pub fn items(&self) -> &[ItemFailure] {
        &self.0
    }

    /// The first failure's reason, which stands for the object.
    pub fn reason(&self) -> Reason {
        self.0[0].reason
    }

    /// The reason and message for the conditions of the object.
    pub fn verdict(&self) -> Verdict {
        Verdict::failed(self.reason(), self.to_string())
    }
}

impl fmt::Display for Failure {
    /// In upstream's form: equal messages once with the items' keys in parentheses, different ones on lines of their own. A
    /// line break or the like in a key, which no valid one has, is escaped.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for ItemFailure { item, message, .. } in &self.0 {
            let known = groups.iter().position(|(known, _)| known == message);
            let group = known.unwrap_or_else(|| {
                groups.push((message, Vec::new()));
                groups.len() - 1
            });
            groups[group].1.extend(item.as_deref());
        }
        for (number, (message, items)) in groups.iter().enumerate() {
            let line_break = if number == 0 { "" } else { "\n" };
            match items.as_slice() {
                [] => write!(formatter, "{line_break}{message}")?,
                items => {
                    let keys: Vec<_> = items
                        .iter()
                        .map(|key| key.escape_debug().to_string())
                        .collect();
                    write!(formatter, "{line_break}{message} ({})", keys.join(", "))?;
                }
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_messages_are_grouped_as_upstream_groups_them() {
        let failure = |item: &str, message: &str| ItemFailure {
            item: Some(item.to_owned()),
            reason: Reason::CannotOpen,
            message: message.to_owned(),
        };
        let failures = Failure(vec![
            failure("a", "x"),
            failure("b", "y"),
            failure("c", "x"),
        ]);
        assert_eq!(failures.to_string(), "x (a, c)\ny (b)");
        let odd = Failure(vec![failure("a\nz: \u{1b}", "x")]);
        assert_eq!(odd.to_string(), "x (a\\nz: \\u{1b})");
        assert_eq!(
            Failure::of_object(Reason::ConflictingData, "z").to_string(),
            "z"
        );
    }
}
