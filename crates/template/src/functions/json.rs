//! JSON as Go's `encoding/json` reads and writes it.

mod read;
mod write;

use super::{Arguments, Function, Parameter, Scope};
use crate::{error::Fault, text::Text, value::Value};

const ANY: &[Parameter] = &[Parameter::Any];
const TEXT: &[Parameter] = &[Parameter::Text];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("toJson", ANY, |scope, given| {
        written(scope, given, write::COMPACT, false)
    }),
    Function::new("mustToJson", ANY, |scope, given| {
        written(scope, given, write::COMPACT, true)
    }),
    Function::new("toPrettyJson", ANY, |scope, given| {
        written(scope, given, write::PRETTY, false)
    }),
    Function::new("mustToPrettyJson", ANY, |scope, given| {
        written(scope, given, write::PRETTY, true)
    }),
    Function::new("toRawJson", ANY, |scope, given| {
        written(scope, given, write::RAW, true)
    }),
    Function::new("mustToRawJson", ANY, |scope, given| {
        written(scope, given, write::RAW, true)
    }),
    Function::new("fromJson", TEXT, |scope, given| read(scope, given, false)),
    Function::new("mustFromJson", TEXT, |scope, given| {
        read(scope, given, true)
    }),
];

/// What cannot be written gives an empty text, or with `must` an error.
fn written(
    scope: &mut Scope<'_>,
    mut given: Arguments,
    style: write::Style,
    must: bool,
) -> Result<Value, Fault> {
    match write::write(scope, &given.any()?, style) {
        Err(Fault::Refused) if !must => Ok(Value::Text(Text::from(""))),
        text => scope.text(text?),
    }
}

/// What cannot be read gives `nil`, or with `must` an error.
fn read(scope: &mut Scope<'_>, mut given: Arguments, must: bool) -> Result<Value, Fault> {
    let text = given.text()?;
    let result = read::read(scope, &text)?;
    match result {
        Some(read) if read.is_exact || !must => Ok(read.value),
        None if !must => Ok(Value::Nil),
        _ => Err(Fault::Refused),
    }
}
