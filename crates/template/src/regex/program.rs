//! What an expression is compiled to. Jumps are relative, so that a part can be repeated by copying it.

use std::rc::Rc;

use super::class::Ranges;
use crate::{error::Fault, functions::Scope};

/// One instruction.
#[derive(Clone)]
pub(super) enum Instruction {
    /// This code point.
    Letter(u32),
    /// A code point of these.
    Class(Rc<Ranges>),
    /// Any code point.
    Any,
    /// Any code point but a newline.
    AnyButNewline,
    /// Goes on at both, preferring the first.
    Split(i32, i32),
    /// Goes on there.
    Jump(i32),
    /// Notes the place.
    Save(u32),
    /// Goes on if the place is such.
    Look(Look),
    /// The end.
    Match,
}

/// What a place can be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    WordBoundary,
    NoWordBoundary,
}

/// An expression.
pub(super) struct Program {
    pub(super) code: Vec<Instruction>,
    pub(super) groups: usize,
    pub(super) names: Vec<(String, usize)>,
}

/// A part of an expression.
#[derive(Default)]
pub(super) struct Fragment {
    pub(super) code: Vec<Instruction>,
    /// Whether it can match nothing.
    pub(super) nullable: bool,
    /// How deep its tree is.
    pub(super) height: usize,
    /// Whether it is a sequence of parts, which another sequence takes up.
    pub(super) is_sequence: bool,
    /// How often what is repeated in it most can be repeated.
    pub(super) repeats: usize,
}

/// So many instructions made or moved are one step.
const INSTRUCTIONS_A_STEP: usize = 8;

impl Fragment {
    pub(super) fn one(instruction: Instruction) -> Self {
        Self {
            nullable: matches!(instruction, Instruction::Look(_)),
            code: vec![instruction],
            height: 1,
            is_sequence: false,
            repeats: 1,
        }
    }

    pub(super) fn empty() -> Self {
        Self {
            nullable: true,
            height: 1,
            repeats: 1,
            ..Self::default()
        }
    }

    /// This, then another part.
    pub(super) fn then(&mut self, scope: &mut Scope<'_>, next: Self) -> Result<(), Fault> {
        scope.steps(1 + next.code.len() / INSTRUCTIONS_A_STEP)?;
        let own = if next.is_sequence {
            next.height
        } else {
            next.height + 1
        };
        self.height = self.height.max(own);
        self.nullable &= next.nullable;
        self.repeats = self.repeats.max(next.repeats);
        self.is_sequence = true;
        reserve(scope, self.code.len() + next.code.len())?;
        self.code.extend(next.code);
        Ok(())
    }

    /// One of several parts, those before others preferred.
    pub(super) fn one_of(scope: &mut Scope<'_>, parts: Vec<Self>) -> Result<Self, Fault> {
        let mut parts = parts;
        if parts.len() == 1
            && let Some(only) = parts.pop()
        {
            return Ok(only);
        }
        let length: usize = parts.iter().map(|part| part.code.len() + 2).sum();
        scope.steps(length / INSTRUCTIONS_A_STEP)?;
        reserve(scope, length)?;
        let mut all = Self {
            code: Vec::with_capacity(length),
            nullable: false,
            height: 1,
            is_sequence: false,
            repeats: 1,
        };
        let count = parts.len();
        for (index, part) in parts.into_iter().enumerate() {
            all.nullable |= part.nullable;
            all.height = all.height.max(part.height + 1);
            all.repeats = all.repeats.max(part.repeats);
            if index + 1 == count {
                all.code.extend(part.code);
                break;
            }
            let after = part.code.len() + 2;
            all.code.push(Instruction::Split(1, relative(after)));
            all.code.extend(part.code);
            // The last part has neither of the two.
            let rest = length - 2 - all.code.len();
            all.code.push(Instruction::Jump(relative(rest)));
        }
        Ok(all)
    }

    /// A group whose places are noted.
    pub(super) fn captured(self, scope: &mut Scope<'_>, group: usize) -> Result<Self, Fault> {
        scope.steps(1 + self.code.len() / INSTRUCTIONS_A_STEP)?;
        reserve(scope, self.code.len() + 2)?;
        let mut code = Vec::with_capacity(self.code.len() + 2);
        code.push(Instruction::Save(2 * group as u32));
        code.extend(self.code);
        code.push(Instruction::Save(2 * group as u32 + 1));
        Ok(Self {
            code,
            height: self.height + 1,
            is_sequence: false,
            ..self
        })
    }

    /// From `least` to `most` times; without `most` as often as it goes.
    pub(super) fn repeated(
        self,
        scope: &mut Scope<'_>,
        least: usize,
        most: Option<usize>,
        greedy: bool,
    ) -> Result<Self, Fault> {
        let length = self.code.len() + 2;
        let copies = most.unwrap_or(least).max(1);
        scope.steps(1 + length * copies / INSTRUCTIONS_A_STEP)?;
        reserve(scope, length * copies)?;
        let (height, repeats) = (self.height + 1, self.repeats);
        let part = self;
        let code = match (least, most) {
            (_, Some(0)) => Vec::new(),
            (0, None) => part.any_number(greedy),
            (_, None) => {
                let mut code = part.times(least - 1);
                code.extend(part.at_least_once(greedy));
                code
            }
            (_, Some(most)) => {
                let mut code = part.times(least);
                let length = part.code.len() + 1;
                for left in (1..=most - least).rev() {
                    code.push(split(1, relative(left * length), greedy));
                    code.extend(part.code.iter().cloned());
                }
                code
            }
        };
        let repeats = match most.unwrap_or(least) {
            0 if most.is_some() => 1,
            times => repeats.saturating_mul(times.max(1)),
        };
        Ok(Self {
            nullable: least == 0 || part.nullable,
            code,
            height,
            is_sequence: false,
            repeats,
        })
    }

    fn times(&self, count: usize) -> Vec<Instruction> {
        let mut code = Vec::new();
        for _ in 0..count {
            code.extend(self.code.iter().cloned());
        }
        code
    }

    fn at_least_once(&self, greedy: bool) -> Vec<Instruction> {
        let mut code = self.code.clone();
        code.push(split(-relative(self.code.len()), 1, greedy));
        code
    }

    fn any_number(&self, greedy: bool) -> Vec<Instruction> {
        let length = self.code.len();
        // What can match nothing would otherwise end the loop before it has tried to match something.
        let (body, next) = if self.nullable {
            (self.at_least_once(greedy), None)
        } else {
            (
                self.code.clone(),
                Some(Instruction::Jump(-relative(length + 1))),
            )
        };
        let mut code = vec![split(1, relative(length + 2), greedy)];
        code.extend(body);
        code.extend(next);
        code
    }
}

fn split(preferred: i32, other: i32, greedy: bool) -> Instruction {
    if greedy {
        Instruction::Split(preferred, other)
    } else {
        Instruction::Split(other, preferred)
    }
}

/// The code of what can be reserved is never as long as this is.
fn relative(length: usize) -> i32 {
    length as i32
}

pub(super) fn reserve(scope: &Scope<'_>, instructions: usize) -> Result<(), Fault> {
    scope.reserve(instructions.saturating_mul(size_of::<Instruction>()))
}
