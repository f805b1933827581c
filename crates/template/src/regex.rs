//! Regular expressions in Go's syntax, with Go's results, in time that is linear in the expression and in the text, and
//! counted.
//!
//! The crate `regex` reads another syntax and knows nothing of texts that are not UTF-8, in which Go sees U+FFFD for each
//! byte that is in no code point; and what it does cannot be counted.

mod class;
mod parse;
mod program;
mod search;

use std::rc::Rc;

use crate::{error::Fault, functions::Scope, text::Text, unicode};
use program::Program;
pub(crate) use search::Found;
use search::Machine;

/// How long the code is of expressions that are kept for when they come again.
const LONGEST_KEPT: usize = 1000;

/// What a match takes in a list that grows by doubling: itself and its two places.
const FOUND: usize = 4 * size_of::<Found>();

/// An expression that can be searched for.
pub(crate) struct Regex(Program);

impl Regex {
    /// Reads an expression, or finds one that was read before.
    ///
    /// # Errors
    ///
    /// [`Fault::Refused`] when it is not in the syntax, another when it is too large.
    pub(crate) fn new(scope: &mut Scope<'_>, expression: &Text) -> Result<Rc<Self>, Fault> {
        if let Some(known) = scope.heap.pattern(expression) {
            return Ok(known);
        }
        let text = str::from_utf8(expression).map_err(|_| Fault::Refused)?;
        let regex = Rc::new(Self(parse::parse(scope, text)?));
        if regex.0.code.len() <= LONGEST_KEPT {
            scope.heap.keep_pattern(expression.clone(), regex.clone());
        }
        Ok(regex)
    }

    /// How many groups there are, with that of the whole match.
    pub(crate) fn groups(&self) -> usize {
        self.0.groups
    }

    /// The group that has a name and is in a match.
    pub(crate) fn group(&self, name: &[u8], found: &Found) -> Option<usize> {
        let named = |(known, group): &(String, usize)| {
            (known.as_bytes() == name && found.group(*group).is_some()).then_some(*group)
        };
        self.0.names.iter().find_map(named)
    }

    /// Whether it is anywhere in a text.
    pub(crate) fn is_match(&self, scope: &mut Scope<'_>, text: &[u8]) -> Result<bool, Fault> {
        let found = Machine::new(scope, &self.0, text, 0)?.search(scope, 0)?;
        Ok(found.is_some())
    }

    /// The first match.
    pub(crate) fn find(&self, scope: &mut Scope<'_>, text: &[u8]) -> Result<Option<Found>, Fault> {
        Machine::new(scope, &self.0, text, 1)?.search(scope, 0)
    }

    /// At most so many matches, which do not overlap. One that is empty is left out where another ended.
    pub(crate) fn find_all(
        &self,
        scope: &mut Scope<'_>,
        text: &[u8],
        count: usize,
    ) -> Result<Vec<Found>, Fault> {
        let mut machine = Machine::new(scope, &self.0, text, 1)?;
        let mut all = Vec::new();
        let (mut from, mut last_end) = (0, None);
        while all.len() < count && from <= text.len() {
            let Some(found) = machine.search(scope, from)? else {
                break;
            };
            scope.steps(1)?;
            let (start, end) = found.whole();
            let follows = end == from && Some(start) == last_end;
            from = if end == from {
                from + width(text, from)
            } else {
                end
            };
            last_end = Some(end);
            if !follows {
                scope.reserve((all.len() + 1) * FOUND)?;
                all.push(found);
            }
        }
        Ok(all)
    }

    /// How many groups have names.
    pub(crate) fn names(&self) -> usize {
        self.0.names.len()
    }

    /// The text with each match replaced by what is added for it. The matches have so many groups, and what is added for one
    /// takes so many steps.
    pub(crate) fn replace_all(
        &self,
        scope: &mut Scope<'_>,
        text: &[u8],
        groups: usize,
        each: usize,
        add: impl Fn(&mut Vec<u8>, &Found),
        longest: impl Fn(&Found) -> usize,
    ) -> Result<Vec<u8>, Fault> {
        let mut machine = Machine::new(scope, &self.0, text, groups)?;
        let mut out = Vec::new();
        let (mut from, mut last_end) = (0, 0);
        while from <= text.len() {
            let Some(found) = machine.search(scope, from)? else {
                break;
            };
            scope.steps(1 + each)?;
            let (start, end) = found.whole();
            let unmatched = &text[last_end..start];
            scope.reserve((out.len() + unmatched.len()).saturating_add(longest(&found)))?;
            out.extend_from_slice(unmatched);
            if end > last_end || start == 0 {
                add(&mut out, &found);
            }
            last_end = end;
            from = end.max(from + width(text, from));
        }
        scope.reserve(out.len() + text.len() - last_end)?;
        out.extend_from_slice(&text[last_end..]);
        Ok(out)
    }
}

/// How many bytes to go on from a place; one behind the end.
fn width(text: &[u8], at: usize) -> usize {
    match text.get(at..) {
        None | Some([]) => 1,
        Some(rest) => unicode::decode(rest).1,
    }
}
