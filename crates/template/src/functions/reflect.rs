//! Types and kinds by their names in Go.

use super::{Function, Parameter};
use crate::{compare, text::Text, value::Value};

const ANY: &[Parameter] = &[Parameter::Any];
const NAMED: &[Parameter] = &[Parameter::Text, Parameter::Any];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("typeOf", ANY, |scope, mut given| {
        scope.text(given.any()?.type_name())
    })
    .by_reference(),
    Function::new("kindOf", ANY, |scope, mut given| {
        scope.text(given.any()?.kind().name())
    })
    .by_reference(),
    Function::new("typeIs", NAMED, |_, mut given| {
        let (name, value) = (given.text()?, given.any()?);
        Ok(is_named(&name, value.type_name()).into())
    })
    .by_reference(),
    Function::new("typeIsLike", NAMED, |_, mut given| {
        let (name, value) = (given.text()?, given.any()?);
        let actual = value.type_name();
        let behind = actual.strip_prefix('*').unwrap_or(actual);
        Ok(Value::Bool(
            is_named(&name, actual) || is_named(&name, behind),
        ))
    })
    .by_reference(),
    Function::new("kindIs", NAMED, |_, mut given| {
        let (name, value) = (given.text()?, given.any()?);
        Ok(is_named(&name, value.kind().name()).into())
    })
    .by_reference(),
    Function::new(
        "deepEqual",
        &[Parameter::Any, Parameter::Any],
        |scope, mut given| {
            let (left, right) = (given.any()?, given.any()?);
            Ok(compare::is_deeply_equal(scope, &left, &right)?.into())
        },
    )
    .by_reference(),
];

fn is_named(name: &Text, actual: &str) -> bool {
    name.bytes() == actual.as_bytes()
}
