//! Sets of code points and escapes in an expression.

use super::Parser;
use crate::{
    error::Fault,
    regex::class::{self, Ranges},
};

/// Steps for a set that is looked up by its name, and for one to which what is the same to `(?i)` is added.
const LOOK_UP: usize = 1000;
const FOLD: usize = 200;

impl Parser<'_, '_, '_> {
    /// A set of code points: `\d`, `\pL`, `\P{Greek}`.
    pub(super) fn set(&mut self) -> Result<Option<Ranges>, Fault> {
        let Some(rest) = self.rest.strip_prefix('\\') else {
            return Ok(None);
        };
        let Some(letter) = rest.chars().next() else {
            return Ok(None);
        };
        if let Some((ranges, negated)) = class::perl(letter) {
            self.skip(2);
            return self.sign(ranges, negated).map(Some);
        }
        if !matches!(letter, 'p' | 'P') {
            return Ok(None);
        }
        self.skip(2);
        let first = self.next()?;
        let mut buffer = [0; 4];
        let name = if first == '{' {
            let (name, rest) = self.rest.split_once('}').ok_or(Fault::Refused)?;
            self.rest = rest;
            name
        } else {
            first.encode_utf8(&mut buffer)
        };
        let mut negated = letter == 'P';
        let name = name.strip_prefix('^').map_or(name, |name| {
            negated = !negated;
            name
        });
        self.scope.steps(LOOK_UP)?;
        let ranges = class::named(name, self.flags.ignores_case).ok_or(Fault::Refused)?;
        Ok(Some(if negated { ranges.negated() } else { ranges }))
    }

    /// A set, or all that is not in it, as the flags say.
    fn sign(&mut self, ranges: Ranges, negated: bool) -> Result<Ranges, Fault> {
        let mut ranges = ranges;
        if self.flags.ignores_case {
            self.scope.steps(FOLD)?;
            ranges = ranges.folded();
        }
        Ok(if negated { ranges.negated() } else { ranges })
    }

    /// An escaped code point.
    pub(super) fn escape(&mut self) -> Result<u32, Fault> {
        self.skip(1);
        let letter = self.next()?;
        match letter {
            '0'..='7' => {
                let is_octal = |rest: &str| rest.starts_with(|digit| matches!(digit, '0'..='7'));
                if letter != '0' && !is_octal(self.rest) {
                    // A reference to a group.
                    return Err(Fault::Refused);
                }
                let mut point = digit(letter, 8)?;
                for _ in 1..3 {
                    if is_octal(self.rest) {
                        point = point * 8 + digit(self.next()?, 8)?;
                    }
                }
                Ok(point)
            }
            'x' => {
                let first = self.next()?;
                if first != '{' {
                    return Ok(digit(first, 16)? * 16 + digit(self.next()?, 16)?);
                }
                let (digits, rest) = self.rest.split_once('}').ok_or(Fault::Refused)?;
                self.rest = rest;
                if digits.is_empty() {
                    return Err(Fault::Refused);
                }
                let mut point = 0;
                for letter in digits.chars() {
                    point = point * 16 + digit(letter, 16)?;
                    if point > u32::from(char::MAX) {
                        return Err(Fault::Refused);
                    }
                }
                Ok(point)
            }
            'a' => Ok(7),
            'f' => Ok(12),
            'n' => Ok(10),
            'r' => Ok(13),
            't' => Ok(9),
            'v' => Ok(11),
            _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => Ok(u32::from(letter)),
            _ => Err(Fault::Refused),
        }
    }

    pub(super) fn class(&mut self) -> Result<(), Fault> {
        self.skip(1);
        let negated = self.rest.starts_with('^');
        self.skip(usize::from(negated));
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut is_first = true;
        while is_first || !self.rest.starts_with(']') {
            is_first = false;
            self.scope.steps(1)?;
            let named = if self.rest.starts_with("[:") {
                self.posix()?
            } else {
                self.set()?
            };
            if let Some(named) = named {
                self.scope.steps(named.len() / 8)?;
                self.scope.reserve((ranges.len() + named.len()) * 32)?;
                ranges.extend(named.iter());
                continue;
            }
            let first = self.class_point()?;
            let mut last = first;
            if self.rest.starts_with('-') && self.rest.len() >= 2 && !self.rest.starts_with("-]") {
                self.skip(1);
                last = self.class_point()?;
                if last < first {
                    return Err(Fault::Refused);
                }
            }
            if self.flags.ignores_case && first == last {
                ranges.extend(Ranges::folded_point(first).iter());
            } else if self.flags.ignores_case {
                self.scope.steps(FOLD)?;
                ranges.extend(Ranges::of([(first, last)]).folded().iter());
            } else {
                ranges.push((first, last));
            }
        }
        self.skip(1);
        let ranges = Ranges::of(ranges);
        self.push_class(if negated { ranges.negated() } else { ranges })
    }

    fn class_point(&mut self) -> Result<u32, Fault> {
        if self.rest.starts_with('\\') {
            self.escape()
        } else {
            self.next().map(u32::from)
        }
    }

    /// `[:name:]` within a class; without an end it is none.
    fn posix(&mut self) -> Result<Option<Ranges>, Fault> {
        let rest = self.rest.strip_prefix("[:").unwrap_or_default();
        let Some((name, rest)) = rest.split_once(":]") else {
            return Ok(None);
        };
        let negated = name.starts_with('^');
        let name = name.strip_prefix('^').unwrap_or(name);
        let ranges = class::posix(name).ok_or(Fault::Refused)?;
        self.rest = rest;
        self.sign(ranges, negated).map(Some)
    }
}

fn digit(letter: char, base: u32) -> Result<u32, Fault> {
    letter.to_digit(base).ok_or(Fault::Refused)
}
