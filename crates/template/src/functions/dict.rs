//! Dictionaries. Where Go takes entries in any order, here they come in the order of their keys.

mod merge;

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    Arguments, CELL, ENTRY, Function, Parameter, Scope, TEXT, convert::text_of, list::stored,
};
use crate::{
    error::Fault,
    object::Object,
    text::Text,
    value::{Element, Entry, List, Map, Value},
};

const ANY: &[Parameter] = &[Parameter::Any];
const MAP: &[Parameter] = &[Parameter::Map];
const MAP_TEXT: &[Parameter] = &[Parameter::Map, Parameter::Text];
const MAPS: &[Parameter] = &[Parameter::Map, Parameter::Map];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("dict", ANY, dict).by_reference().variadic(),
    Function::new("get", MAP_TEXT, |_, mut given| {
        let (map, key) = (given.map()?, given.text()?);
        Ok(map.get(&key).unwrap_or_else(|| Value::Text(Text::from(""))))
    })
    .by_reference(),
    Function::new(
        "set",
        &[Parameter::Map, Parameter::Text, Parameter::Any],
        |scope, mut given| {
            let (map, key, value) = (given.map()?, given.text()?, given.any()?);
            insert(scope, &map, key, value)?;
            Ok(Value::Map(map))
        },
    )
    .by_reference(),
    Function::new("unset", MAP_TEXT, |_, mut given| {
        let (map, key) = (given.map()?, given.text()?);
        if let Some(entries) = &map.entries {
            entries.borrow_mut().remove(key.bytes());
        }
        Ok(Value::Map(map))
    })
    .by_reference(),
    Function::new("hasKey", MAP_TEXT, |_, mut given| {
        let (map, key) = (given.map()?, given.text()?);
        Ok(map.get(&key).is_some().into())
    })
    .by_reference(),
    Function::new(
        "pluck",
        &[Parameter::Text, Parameter::Map],
        |scope, mut given| {
            let key = given.text()?;
            let values = given.rest().into_iter().filter_map(|map| match map {
                Value::Map(map) => map.get(&key),
                _ => None,
            });
            let values = values.collect();
            scope.list(Element::Any, values)
        },
    )
    .by_reference()
    .variadic(),
    Function::new("keys", MAP, |scope, given| {
        let mut keys = Vec::new();
        for map in given.rest() {
            if let Value::Map(map) = map {
                keys.extend(map.to_vec().into_iter().map(|(key, _)| Value::Text(key)));
                scope.reserve(CELL * keys.len())?;
            }
        }
        scope.list(Element::Text, keys)
    })
    .variadic(),
    Function::new("values", MAP, |scope, mut given| {
        let values = given.map()?.to_vec().into_iter().map(|(_, value)| value);
        let values = values.collect();
        scope.list(Element::Any, values)
    }),
    Function::new("pick", MAP_TEXT, |scope, given| {
        filtered(scope, given, true)
    })
    .variadic(),
    Function::new("omit", MAP_TEXT, |scope, given| {
        filtered(scope, given, false)
    })
    .variadic(),
    Function::new("dig", ANY, dig).by_reference().variadic(),
    Function::new("merge", MAPS, |scope, given| {
        merge::merge(scope, given, false, false)
    })
    .variadic(),
    Function::new("mustMerge", MAPS, |scope, given| {
        merge::merge(scope, given, false, true)
    })
    .variadic(),
    Function::new("mergeOverwrite", MAPS, |scope, given| {
        merge::merge(scope, given, true, false)
    })
    .variadic(),
    Function::new("mustMergeOverwrite", MAPS, |scope, given| {
        merge::merge(scope, given, true, true)
    })
    .variadic(),
    Function::new("deepCopy", ANY, deep_copy),
    Function::new("mustDeepCopy", ANY, deep_copy),
];

/// Sets a value in a dictionary, for all that have it. Go's `nil` map takes none.
fn insert(scope: &mut Scope<'_>, map: &Map, key: Text, value: Value) -> Result<(), Fault> {
    let entries = map.entries.as_ref().ok_or(Fault::Refused)?;
    scope.meter.memory(ENTRY + TEXT + key.len())?;
    entries.borrow_mut().insert(key, stored(value));
    Ok(())
}

/// From keys and values in turn; the last key may have no value.
fn dict(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let mut entries = BTreeMap::new();
    while let Some(key) = given.next() {
        let key = text_of(scope, &key)?;
        scope.meter.memory(TEXT + key.len())?;
        let value = given.next().unwrap_or_else(|| Value::Text(Text::from("")));
        entries.insert(key, stored(value));
    }
    scope.map(Entry::Any, entries)
}

/// The entries with these keys, or all others.
fn filtered(scope: &mut Scope<'_>, mut given: Arguments, wanted: bool) -> Result<Value, Fault> {
    let map = given.map()?;
    let keys: BTreeSet<Text> = given
        .rest()
        .into_iter()
        .filter_map(|key| match key {
            Value::Text(key) => Some(key),
            _ => None,
        })
        .collect();
    let kept = map
        .to_vec()
        .into_iter()
        .filter(|(key, _)| keys.contains(key) == wanted);
    let kept = kept.collect();
    scope.map(Entry::Any, kept)
}

/// `dig "a" "b" default dict` is `dict.a.b`, or the default where a key is missing.
fn dig(_: &mut Scope<'_>, given: Arguments) -> Result<Value, Fault> {
    let mut keys = given.rest();
    if keys.len() < 3 {
        return Err(Fault::Refused);
    }
    let mut value = keys.pop().ok_or(Fault::Refused)?;
    let otherwise = keys.pop().ok_or(Fault::Refused)?;
    let keys: Vec<&Text> = keys
        .iter()
        .map(|key| match key {
            Value::Text(key) => Ok(key),
            _ => Err(Fault::Refused),
        })
        .collect::<Result<_, _>>()?;
    for key in keys {
        let Value::Map(map) = &value else {
            return Err(Fault::Refused);
        };
        if map.entry != Entry::Any {
            return Err(Fault::Refused);
        }
        match map.get(key) {
            Some(found) => value = found,
            None => return Ok(otherwise),
        }
    }
    Ok(value)
}

fn deep_copy(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    match given.any()? {
        value if value.is_nothing() => Err(Fault::Refused),
        value => copy(scope, &value, 0),
    }
}

fn copy(scope: &mut Scope<'_>, value: &Value, depth: usize) -> Result<Value, Fault> {
    if depth > scope.value_depth() {
        return Err(scope.too_deep());
    }
    scope.steps(1)?;
    match value {
        Value::List(list) if !list.is_nil() => {
            let mut copies = Vec::new();
            for element in list.to_vec() {
                copies.push(copy(scope, &element, depth + 1)?);
            }
            scope.list(list.element, copies)
        }
        Value::Map(map) if map.entries.is_some() => {
            let mut copies = BTreeMap::new();
            for (key, entry) in map.to_vec() {
                copies.insert(key, copy(scope, &entry, depth + 1)?);
            }
            scope.map(map.entry, copies)
        }
        Value::List(list) => Ok(Value::List(List::nil(list.element))),
        // Upstream's copy leaves out fields that are not exported, which all of them are.
        Value::Object(Object::Version(_)) => Ok(Value::Object(Object::Version(Rc::default()))),
        Value::Object(Object::VersionValue(_)) => {
            Ok(Value::Object(Object::VersionValue(Rc::default())))
        }
        other => Ok(other.clone()),
    }
}
