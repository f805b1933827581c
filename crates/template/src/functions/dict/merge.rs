//! Merging of dictionaries: what is missing or empty in the first is taken from the others, or with `overwrite` whatever
//! is not `nil` in these. Dictionaries in both are merged in turn.

use std::collections::BTreeMap;

use super::{super::flow::is_empty, insert};
use crate::{
    error::Fault,
    functions::{Arguments, Scope},
    text::Text,
    value::{Element, Entry, List, Map, Value},
};

/// Changes the first dictionary. Where that fails, nothing but an empty text is left of it, or with `must` an error.
pub(super) fn merge(
    scope: &mut Scope<'_>,
    mut given: Arguments,
    overwrite: bool,
    must: bool,
) -> Result<Value, Fault> {
    let mut into = given.map()?;
    for from in given.rest() {
        let Value::Map(from) = from else {
            return Err(Fault::Refused);
        };
        if into.entries.is_none() && from.entries.is_some() {
            match scope.map(Entry::Any, BTreeMap::new())? {
                Value::Map(new) => into = new,
                _ => return Err(Fault::Refused),
            }
        }
        match merged(scope, &into, &from, overwrite, 0) {
            Ok(()) => {}
            Err(Fault::Refused) if !must => return Ok(Value::Text(Text::from(""))),
            Err(fault) => return Err(fault),
        }
    }
    Ok(Value::Map(into))
}

fn merged(
    scope: &mut Scope<'_>,
    into: &Map,
    from: &Map,
    overwrite: bool,
    depth: usize,
) -> Result<(), Fault> {
    if depth > scope.value_depth() {
        return Err(scope.too_deep());
    }
    for (key, theirs) in from.to_vec() {
        scope.steps(1)?;
        let ours = into.get(&key);
        if theirs.is_nothing() {
            if overwrite {
                insert(scope, into, key, Value::Nil)?;
            }
            continue;
        }
        let ours_is_empty = ours.as_ref().is_none_or(is_empty);
        match (&ours, &theirs) {
            (Some(Value::Map(ours)), Value::Map(theirs)) => {
                if ours.entry != theirs.entry && !theirs.is_empty() {
                    return Err(Fault::Refused);
                }
                if ours.entry == Entry::Any {
                    merged(scope, ours, theirs, overwrite, depth + 1)?;
                } else {
                    merge_texts(scope, ours, theirs, overwrite)?;
                }
            }
            (_, Value::List(theirs)) => {
                // The list in between is what is there, or an empty one of their type.
                let between = match &ours {
                    Some(Value::List(ours)) => Value::List(ours.clone()),
                    None | Some(Value::Nil) => Value::List(empty(scope, theirs.element)?),
                    Some(other) => other.clone(),
                };
                let taken = !from.is_empty() && (overwrite || into.is_empty());
                let between = if taken {
                    Value::List(theirs.clone())
                } else {
                    between
                };
                insert(scope, into, key.clone(), between)?;
            }
            _ => {}
        }
        if !ours_is_empty
            && matches!(
                (&ours, &theirs),
                (_, Value::List(_)) | (Some(Value::Map(_)), Value::Map(_))
            )
        {
            continue;
        }
        if overwrite || ours_is_empty {
            insert(scope, into, key, theirs)?;
        }
    }
    Ok(())
}

fn merge_texts(
    scope: &mut Scope<'_>,
    into: &Map,
    from: &Map,
    overwrite: bool,
) -> Result<(), Fault> {
    for (key, theirs) in from.to_vec() {
        scope.steps(1)?;
        if overwrite || into.get(&key).is_none_or(|ours| is_empty(&ours)) {
            insert(scope, into, key, theirs)?;
        }
    }
    Ok(())
}

fn empty(scope: &mut Scope<'_>, element: Element) -> Result<List, Fault> {
    match scope.list(element, Vec::new())? {
        Value::List(list) => Ok(list),
        _ => Err(Fault::Refused),
    }
}
