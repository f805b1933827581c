//! Equality and order: Go's `==` and `<` as templates have them, and `reflect.DeepEqual`.

use std::cmp::Ordering;

use crate::{
    error::Fault,
    functions::Scope,
    value::{Kind, Value},
};

/// So many bytes that are compared are one step.
pub(crate) const COMPARED_A_STEP: usize = 512;

/// What can be compared with what.
#[derive(PartialEq)]
enum Basic {
    None,
    Bool,
    Complex,
    Int,
    Float,
    Text,
    Uint,
}

fn basic(value: &Value) -> Basic {
    match value.kind() {
        Kind::Bool => Basic::Bool,
        Kind::Int | Kind::Int64 => Basic::Int,
        Kind::Uint8 | Kind::Uint32 | Kind::Uint64 => Basic::Uint,
        Kind::Float64 => Basic::Float,
        Kind::Complex128 => Basic::Complex,
        Kind::String => Basic::Text,
        Kind::Invalid | Kind::Slice | Kind::Map | Kind::Struct | Kind::Pointer => Basic::None,
    }
}

/// `eq` of two values.
pub(crate) fn is_equal(left: &Value, right: &Value) -> Result<bool, Fault> {
    let (our, their) = (basic(left), basic(right));
    if our != their {
        let mixed = |signed: &Value, unsigned: &Value| {
            let signed = signed
                .signed()
                .and_then(|number| u64::try_from(number).ok());
            signed.is_some() && signed == unsigned.unsigned()
        };
        return match (our, their) {
            (Basic::Int, Basic::Uint) => Ok(mixed(left, right)),
            (Basic::Uint, Basic::Int) => Ok(mixed(right, left)),
            _ if left.is_nothing() || right.is_nothing() => Ok(false),
            _ => Err(Fault::Refused),
        };
    }
    Ok(match (left, right) {
        (Value::Bool(ours), Value::Bool(theirs)) => ours == theirs,
        (Value::Complex(real, imaginary), Value::Complex(r, i)) => real == r && imaginary == i,
        (Value::Float(ours), Value::Float(theirs)) => ours == theirs,
        (Value::Text(ours), Value::Text(theirs)) => ours == theirs,
        _ if our == Basic::Int => left.signed() == right.signed(),
        _ if our == Basic::Uint => left.unsigned() == right.unsigned(),
        _ => return is_same(left, right),
    })
}

/// Equality of what is not basic: `nil`, and what has an identity.
fn is_same(left: &Value, right: &Value) -> Result<bool, Fault> {
    let (our, their) = (left.kind(), right.kind());
    if our != their && our != Kind::Invalid && their != Kind::Invalid {
        return Err(Fault::Refused);
    }
    if is_nil(left) || is_nil(right) {
        return Ok(is_nil(left) && is_nil(right));
    }
    match (left, right) {
        (Value::Object(ours), Value::Object(theirs)) => Ok(ours.is_same(theirs)),
        _ => Err(Fault::Refused),
    }
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Missing | Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.entries.is_none(),
        _ => false,
    }
}

/// `lt` of two values.
pub(crate) fn is_less(left: &Value, right: &Value) -> Result<bool, Fault> {
    match (left, right) {
        (Value::Float(ours), Value::Float(theirs)) => Ok(ours < theirs),
        (Value::Text(ours), Value::Text(theirs)) => Ok(ours < theirs),
        _ => order(left, right)
            .map(Ordering::is_lt)
            .ok_or(Fault::Refused),
    }
}

/// The order of integers of any types.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    let number = |value: &Value| {
        let signed = value.signed().map(i128::from);
        signed.or_else(|| value.unsigned().map(i128::from))
    };
    Some(number(left)?.cmp(&number(right)?))
}

/// `le` of two values.
pub(crate) fn is_less_or_equal(left: &Value, right: &Value) -> Result<bool, Fault> {
    Ok(is_less(left, right)? || is_equal(left, right)?)
}

/// `reflect.DeepEqual`: the same types, and the same in all their parts.
pub(crate) fn is_deeply_equal(
    scope: &mut Scope<'_>,
    left: &Value,
    right: &Value,
) -> Result<bool, Fault> {
    deeply(scope, left, right, 0)
}

fn deeply(scope: &mut Scope<'_>, left: &Value, right: &Value, depth: usize) -> Result<bool, Fault> {
    if depth > scope.value_depth() {
        return Err(scope.too_deep());
    }
    scope.steps(1)?;
    Ok(match (left, right) {
        (Value::Missing | Value::Nil, Value::Missing | Value::Nil) => true,
        (Value::Bool(ours), Value::Bool(theirs)) => ours == theirs,
        (Value::Int(ours), Value::Int(theirs)) | (Value::Int64(ours), Value::Int64(theirs)) => {
            ours == theirs
        }
        (Value::Uint8(ours), Value::Uint8(theirs)) => ours == theirs,
        (Value::Uint32(ours), Value::Uint32(theirs)) => ours == theirs,
        (Value::Uint64(ours), Value::Uint64(theirs)) => ours == theirs,
        (Value::Float(ours), Value::Float(theirs)) => ours == theirs,
        (Value::Complex(real, imaginary), Value::Complex(r, i)) => real == r && imaginary == i,
        (Value::Text(ours), Value::Text(theirs)) => {
            if ours.len() == theirs.len() {
                scope.steps(ours.len() / COMPARED_A_STEP)?;
            }
            ours == theirs
        }
        (Value::List(ours), Value::List(theirs)) => {
            if ours.element != theirs.element
                || ours.is_nil() != theirs.is_nil()
                || ours.len() != theirs.len()
            {
                return Ok(false);
            }
            if ours.is_same(theirs) {
                return Ok(true);
            }
            for index in 0..ours.len() {
                let (our, their) = (ours.get(index), theirs.get(index));
                let (our, their) = (our.unwrap_or(Value::Nil), their.unwrap_or(Value::Nil));
                if !deeply(scope, &our, &their, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(ours), Value::Map(theirs)) => {
            if ours.entry != theirs.entry
                || ours.entries.is_none() != theirs.entries.is_none()
                || ours.len() != theirs.len()
            {
                return Ok(false);
            }
            if ours.is_same(theirs) {
                return Ok(true);
            }
            let (Some(ours), Some(theirs)) = (&ours.entries, &theirs.entries) else {
                return Ok(true);
            };
            let (ours, theirs) = (ours.borrow(), theirs.borrow());
            for ((key, our), (other, their)) in ours.iter().zip(theirs.iter()) {
                scope.steps(key.len() / COMPARED_A_STEP)?;
                if key != other || !deeply(scope, our, their, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            scope.steps(ours.bytes().min(theirs.bytes()) / COMPARED_A_STEP)?;
            ours.is_equal(theirs)
        }
        _ => false,
    })
}
