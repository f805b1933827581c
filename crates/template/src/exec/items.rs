//! What `range` goes through.

use crate::{
    text::Text,
    value::{List, Value},
};

/// What is left of it.
pub(super) enum Items {
    Nothing,
    List {
        list: List,
        next: usize,
    },
    /// Those that were there at first: what changes them is not seen.
    Entries {
        left: std::vec::IntoIter<(Text, Value)>,
        count: usize,
    },
    Count {
        next: i64,
        end: i64,
        of: Value,
    },
    CountUp {
        next: u64,
        end: u64,
        of: Value,
    },
}

impl Items {
    /// What there is to go through in a value, or why there is nothing.
    pub(super) fn of(value: &Value) -> Result<Self, &'static str> {
        Ok(match value {
            Value::List(list) => Self::List {
                list: list.clone(),
                next: 0,
            },
            Value::Map(map) => {
                let entries = map.to_vec();
                Self::Entries {
                    count: entries.len(),
                    left: entries.into_iter(),
                }
            }
            Value::Missing | Value::Nil => Self::Nothing,
            _ => {
                let of = value.clone();
                if let Some(end) = value.signed() {
                    Self::Count { next: 0, end, of }
                } else if let Some(end) = value.unsigned() {
                    Self::CountUp { next: 0, end, of }
                } else {
                    return Err("range cannot go through a value of this type");
                }
            }
        })
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Count { .. } | Self::CountUp { .. })
    }

    /// How many entries of a dictionary it holds.
    pub(super) fn entries(&self) -> usize {
        match self {
            Self::Entries { count, .. } => *count,
            Self::Nothing | Self::List { .. } | Self::Count { .. } | Self::CountUp { .. } => 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::List { list, .. } => list.is_empty(),
            Self::Nothing => true,
            Self::Entries { count, .. } => *count == 0,
            Self::Count { end, .. } => *end <= 0,
            Self::CountUp { end, .. } => *end == 0,
        }
    }

    /// The next index or key, and the element.
    pub(super) fn next(&mut self) -> Option<(Value, Value)> {
        match self {
            Self::List { list, next } => {
                let element = list.get(*next)?;
                let index = Value::Int(*next as i64);
                *next += 1;
                Some((index, element))
            }
            Self::Nothing => None,
            Self::Entries { left, .. } => left.next().map(|(key, value)| (Value::Text(key), value)),
            Self::Count { next, end, of } => {
                let number = *next;
                if number >= *end {
                    return None;
                }
                *next += 1;
                Some((Value::Missing, same_type(of, number)))
            }
            Self::CountUp { next, end, of } => {
                let number = *next;
                if number >= *end {
                    return None;
                }
                *next += 1;
                let element = match of {
                    Value::Uint8(_) => Value::Uint8(number as u8),
                    Value::Uint32(_) => Value::Uint32(number as u32),
                    _ => Value::Uint64(number),
                };
                Some((Value::Missing, element))
            }
        }
    }
}

fn same_type(of: &Value, number: i64) -> Value {
    match of {
        Value::Int64(_) => Value::Int64(number),
        Value::Object(object) => Value::Object(object.with_number(number)),
        _ => Value::Int(number),
    }
}
