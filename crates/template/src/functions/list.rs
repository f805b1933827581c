//! Lists.

use super::{
    Arguments, CELL, Function, Parameter, Scope,
    convert::{all_texts, int_of, text_of, texts_of},
    flow::is_empty,
};
use crate::{
    compare::{COMPARED_A_STEP, is_deeply_equal},
    error::Fault,
    value::{Element, List, Value},
};

const ANY: &[Parameter] = &[Parameter::Any];
const TWO: &[Parameter] = &[Parameter::Any, Parameter::Any];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("list", ANY, list).by_reference().variadic(),
    Function::new("tuple", ANY, list).by_reference().variadic(),
    Function::new("first", ANY, first).by_reference(),
    Function::new("mustFirst", ANY, first).by_reference(),
    Function::new("last", ANY, last).by_reference(),
    Function::new("mustLast", ANY, last).by_reference(),
    Function::new("rest", ANY, rest),
    Function::new("mustRest", ANY, rest),
    Function::new("initial", ANY, initial),
    Function::new("mustInitial", ANY, initial),
    Function::new("append", TWO, append),
    Function::new("mustAppend", TWO, append),
    Function::new("push", TWO, append),
    Function::new("mustPush", TWO, append),
    Function::new("prepend", TWO, prepend),
    Function::new("mustPrepend", TWO, prepend),
    Function::new("reverse", ANY, reverse),
    Function::new("mustReverse", ANY, reverse),
    Function::new("uniq", ANY, uniq),
    Function::new("mustUniq", ANY, uniq),
    Function::new("compact", ANY, compact),
    Function::new("mustCompact", ANY, compact),
    Function::new("without", TWO, without).variadic(),
    Function::new("mustWithout", TWO, without).variadic(),
    Function::new("has", TWO, has),
    Function::new("mustHas", TWO, has),
    Function::new("slice", TWO, slice).by_reference().variadic(),
    Function::new("mustSlice", TWO, slice)
        .by_reference()
        .variadic(),
    Function::new("concat", ANY, concat).variadic(),
    Function::new("chunk", &[Parameter::Int, Parameter::Any], chunk),
    Function::new("mustChunk", &[Parameter::Int, Parameter::Any], chunk),
    Function::new("sortAlpha", ANY, sort_alpha),
    Function::new("until", &[Parameter::Int], |scope, mut given| {
        let end = given.int()?;
        let numbers = counted(scope, 0, end, if end < 0 { -1 } else { 1 })?;
        ints(scope, numbers)
    }),
    Function::new(
        "untilStep",
        &[Parameter::Int, Parameter::Int, Parameter::Int],
        |scope, mut given| {
            let numbers = counted(scope, given.int()?, given.int()?, given.int()?)?;
            ints(scope, numbers)
        },
    ),
    Function::new("seq", &[Parameter::Int], seq).variadic(),
];

/// The argument that has to be a list.
fn elements(value: &Value) -> Result<Vec<Value>, Fault> {
    match value {
        Value::List(list) => Ok(list.to_vec()),
        _ => Err(Fault::Refused),
    }
}

fn any_list(scope: &mut Scope<'_>, values: Vec<Value>) -> Result<Value, Fault> {
    scope.list(Element::Any, values)
}

fn list(scope: &mut Scope<'_>, given: Arguments) -> Result<Value, Fault> {
    any_list(scope, given.rest().into_iter().map(stored).collect())
}

/// A value as it is kept: no value is `nil`.
pub(super) fn stored(value: Value) -> Value {
    match value {
        Value::Missing => Value::Nil,
        other => other,
    }
}

fn first(_: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    match given.any()? {
        Value::List(list) => Ok(list.get(0).unwrap_or(Value::Nil)),
        _ => Err(Fault::Refused),
    }
}

fn last(_: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    match given.any()? {
        Value::List(list) => {
            let last = list.len().checked_sub(1).and_then(|last| list.get(last));
            Ok(last.unwrap_or(Value::Nil))
        }
        _ => Err(Fault::Refused),
    }
}

fn rest(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let mut values = elements(&given.any()?)?;
    if values.is_empty() {
        return Ok(Value::List(List::nil(Element::Any)));
    }
    values.remove(0);
    any_list(scope, values)
}

fn initial(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let mut values = elements(&given.any()?)?;
    if values.pop().is_none() {
        return Ok(Value::List(List::nil(Element::Any)));
    }
    any_list(scope, values)
}

fn append(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let mut values = elements(&given.any()?)?;
    values.push(stored(given.any()?));
    any_list(scope, values)
}

fn prepend(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let mut values = elements(&given.any()?)?;
    values.insert(0, stored(given.any()?));
    any_list(scope, values)
}

fn reverse(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let mut values = elements(&given.any()?)?;
    values.reverse();
    any_list(scope, values)
}

fn contains(scope: &mut Scope<'_>, values: &[Value], wanted: &Value) -> Result<bool, Fault> {
    for value in values {
        if is_deeply_equal(scope, wanted, value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn uniq(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let mut seen = Vec::new();
    for value in elements(&given.any()?)? {
        if !contains(scope, &seen, &value)? {
            seen.push(value);
        }
    }
    any_list(scope, seen)
}

fn compact(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let mut values = elements(&given.any()?)?;
    values.retain(|value| !is_empty(value));
    any_list(scope, values)
}

fn without(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let values = elements(&given.any()?)?;
    let unwanted = given.rest();
    let mut kept = Vec::new();
    for value in values {
        if !contains(scope, &unwanted, &value)? {
            kept.push(value);
        }
    }
    any_list(scope, kept)
}

fn has(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let wanted = given.any()?;
    let list = given.any()?;
    if list.is_nothing() {
        return Ok(false.into());
    }
    Ok(contains(scope, &elements(&list)?, &wanted)?.into())
}

/// `slice list from to`
fn slice(_: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let Value::List(list) = given.any()? else {
        return Err(Fault::Refused);
    };
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |value: Option<Value>, otherwise: usize| match value {
        Some(value) => usize::try_from(int_of(&value)).ok(),
        None => Some(otherwise),
    };
    let from = bound(given.next(), 0).ok_or(Fault::Refused)?;
    let to = bound(given.next(), list.len()).ok_or(Fault::Refused)?;
    let part = list.slice(from, to).ok_or(Fault::Refused)?;
    Ok(Value::List(part))
}

fn concat(scope: &mut Scope<'_>, given: Arguments) -> Result<Value, Fault> {
    let mut all = Vec::new();
    for list in given.rest() {
        all.extend(elements(&list)?);
        scope.reserve(CELL * all.len())?;
    }
    if all.is_empty() {
        return Ok(Value::List(List::nil(Element::Any)));
    }
    any_list(scope, all)
}

fn chunk(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let size = given.int()?;
    let values = elements(&given.any()?)?;
    if size < 0 && values.len() > 1 && values.len() as u64 - 1 <= size.unsigned_abs() {
        // So upstream's arithmetic comes out.
        return scope.list(Element::List, Vec::new());
    }
    let size = usize::try_from(size)
        .ok()
        .filter(|size| *size > 0)
        .ok_or(Fault::Refused)?;
    let mut chunks = Vec::new();
    for chunk in values.chunks(size) {
        chunks.push(any_list(scope, chunk.to_vec())?);
    }
    scope.list(Element::List, chunks)
}

/// Sorts `[]string` where it is, as upstream does; anything else is made one first.
fn sort_alpha(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let value = given.any()?;
    if !matches!(value, Value::List(_)) {
        let text = text_of(scope, &value)?;
        let text = scope.text(text)?;
        return scope.list(Element::Text, vec![text]);
    }
    let texts = texts_of(scope, &value)?;
    // Texts that start alike are compared as far as they do.
    let all = all_texts(&texts);
    let compared: usize = all
        .iter()
        .map(|text| 1 + text.len() / COMPARED_A_STEP)
        .sum();
    let doublings = texts.len().max(2).ilog2() as usize;
    scope.steps(compared.saturating_mul(doublings))?;
    texts.sort_by_key(|value| match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    });
    Ok(Value::List(texts))
}

/// The numbers from one to before another.
fn counted(scope: &Scope<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Fault> {
    let forward = stop >= start;
    if forward && step <= 0 || !forward && step >= 0 {
        return Ok(Vec::new());
    }
    let distance = start.abs_diff(stop);
    let count = distance.div_ceil(step.unsigned_abs());
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    scope.reserve(count.saturating_mul(CELL))?;
    Ok((0..count as i64)
        .map(|index| start.wrapping_add(step.wrapping_mul(index)))
        .collect())
}

fn ints(scope: &mut Scope<'_>, numbers: Vec<i64>) -> Result<Value, Fault> {
    scope.list(Element::Int, numbers.into_iter().map(Value::Int).collect())
}

/// Numbers as a text: up to one, from one to another, or with a step between.
fn seq(scope: &mut Scope<'_>, given: Arguments) -> Result<Value, Fault> {
    let given: Vec<i64> = given.rest().iter().filter_map(Value::signed).collect();
    let towards = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let numbers = match *given.as_slice() {
        [end] => {
            let step = towards(1, end);
            counted(scope, 1, end.wrapping_add(step), step)?
        }
        [start, end] => {
            let step = towards(start, end);
            counted(scope, start, end.wrapping_add(step), step)?
        }
        [start, step, end] => {
            if end < start && step > 0 {
                Vec::new()
            } else {
                counted(scope, start, end.wrapping_add(towards(start, end)), step)?
            }
        }
        _ => Vec::new(),
    };
    scope.steps(numbers.len())?;
    let mut text = String::new();
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(&number.to_string());
    }
    scope.text(text)
}
