//! Searching: all ways through the program at once, those that are preferred before others, so that no text takes longer
//! than its length times that of the program.

use std::mem;

use super::program::{Instruction, Look, Program};
use crate::{error::Fault, functions::Scope, unicode};

/// Where a match and its groups start and end.
pub(crate) struct Found(Vec<usize>);

/// A place that was not noted.
const NOWHERE: usize = usize::MAX;
/// A way that does not wait for a code point.
const PASSING: u32 = u32::MAX;
/// So many instructions looked at are one step.
const INSTRUCTIONS_A_STEP: usize = 8;

impl Found {
    /// Where the match starts and ends.
    pub(crate) fn whole(&self) -> (usize, usize) {
        self.group(0).unwrap_or_default()
    }

    /// Where a group starts and ends, if it is in the match.
    pub(crate) fn group(&self, group: usize) -> Option<(usize, usize)> {
        let (start, end) = (*self.0.get(2 * group)?, *self.0.get(2 * group + 1)?);
        (start != NOWHERE && end != NOWHERE).then_some((start, end))
    }
}

/// The ways at one place, in the order in which they are preferred.
struct Ways {
    /// By instruction: where in `order` it may be.
    places: Vec<u32>,
    /// The instruction, and which of the notes are its own.
    order: Vec<(u32, u32)>,
}

impl Ways {
    fn new(length: usize) -> Self {
        Self {
            places: vec![0; length],
            order: Vec::new(),
        }
    }

    /// Whether the instruction was not there.
    fn insert(&mut self, at: usize) -> bool {
        let place = self.places[at] as usize;
        if self
            .order
            .get(place)
            .is_some_and(|(known, _)| *known as usize == at)
        {
            return false;
        }
        self.places[at] = self.order.len() as u32;
        self.order.push((at as u32, PASSING));
        true
    }
}

/// What is left to do where ways part.
enum Job {
    Visit(usize),
    Restore(usize, usize),
}

/// The state of searches for one program in one text.
pub(super) struct Machine<'a> {
    program: &'a Program,
    text: &'a [u8],
    slots: usize,
    now: Ways,
    next: Ways,
    /// The notes of the way that is followed.
    notes: Vec<usize>,
    /// The notes of all ways, one after another, and those that are not used.
    kept: Vec<usize>,
    free: Vec<u32>,
    jobs: Vec<Job>,
    visits: usize,
}

/// The code points before and after a place.
#[derive(Clone, Copy)]
struct Around {
    before: Option<char>,
    after: Option<char>,
}

impl Around {
    fn is(self, look: Look) -> bool {
        let is_word = |letter: Option<char>| {
            letter.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        };
        match look {
            Look::TextStart => self.before.is_none(),
            Look::TextEnd => self.after.is_none(),
            Look::LineStart => self.before.is_none_or(|letter| letter == '\n'),
            Look::LineEnd => self.after.is_none_or(|letter| letter == '\n'),
            Look::WordBoundary => is_word(self.before) != is_word(self.after),
            Look::NoWordBoundary => is_word(self.before) == is_word(self.after),
        }
    }
}

impl<'a> Machine<'a> {
    /// Notes the places of so many groups; with none it only tells whether there is a match.
    pub(super) fn new(
        scope: &mut Scope<'_>,
        program: &'a Program,
        text: &'a [u8],
        groups: usize,
    ) -> Result<Self, Fault> {
        let length = program.code.len();
        // Each instruction in both lists, which grow by doubling, and as jobs.
        scope.reserve(length.saturating_mul(64))?;
        scope.steps(length / INSTRUCTIONS_A_STEP)?;
        Ok(Self {
            program,
            text,
            slots: 2 * groups,
            now: Ways::new(length),
            next: Ways::new(length),
            notes: vec![NOWHERE; 2 * groups],
            kept: Vec::new(),
            free: Vec::new(),
            jobs: Vec::new(),
            visits: 0,
        })
    }

    /// The first match from a place on.
    pub(super) fn search(
        &mut self,
        scope: &mut Scope<'_>,
        from: usize,
    ) -> Result<Option<Found>, Fault> {
        let mut found = None;
        let mut at = from;
        let before = self.text.get(..from).filter(|before| !before.is_empty());
        let mut around = Around {
            before: before.map(|before| unicode::decode_last(before).0),
            after: None,
        };
        self.clear();
        loop {
            let rest = self.text.get(at..).filter(|rest| !rest.is_empty());
            let here = rest.map(unicode::decode);
            around.after = here.map(|(letter, _)| letter);
            if found.is_none() {
                self.notes.fill(NOWHERE);
                self.visits += self.slots / INSTRUCTIONS_A_STEP;
                let mut now = mem::replace(
                    &mut self.now,
                    Ways {
                        places: Vec::new(),
                        order: Vec::new(),
                    },
                );
                let followed = self.follow(scope, &mut now, 0, at, around);
                self.now = now;
                followed?;
            } else if self.now.order.is_empty() {
                break;
            }
            let width = here.map_or(0, |(_, width)| width);
            let after = self.text.get(at + width..).filter(|rest| !rest.is_empty());
            let beyond = Around {
                before: around.after,
                after: after.map(|rest| unicode::decode(rest).0),
            };
            let now = mem::take(&mut self.now.order);
            let mut next = mem::replace(
                &mut self.next,
                Ways {
                    places: Vec::new(),
                    order: Vec::new(),
                },
            );
            for (index, (instruction, own)) in now.iter().copied().enumerate() {
                if own == PASSING {
                    continue;
                }
                self.recall(own);
                if matches!(self.program.code[instruction as usize], Instruction::Match) {
                    found = Some(Found(self.notes.clone()));
                    self.visits += self.slots / INSTRUCTIONS_A_STEP;
                    for (_, own) in &now[index + 1..] {
                        self.release(*own);
                    }
                    break;
                }
                if around
                    .after
                    .is_some_and(|letter| self.takes(instruction, letter))
                {
                    self.follow(
                        scope,
                        &mut next,
                        instruction as usize + 1,
                        at + width,
                        beyond,
                    )?;
                }
            }
            self.now.order = now;
            self.now.order.clear();
            self.next = mem::replace(&mut self.now, next);
            scope.steps(self.visits / INSTRUCTIONS_A_STEP)?;
            self.visits %= INSTRUCTIONS_A_STEP;
            if here.is_none() || (found.is_some() && self.slots == 0) {
                break;
            }
            at += width;
            around = beyond;
        }
        self.clear();
        Ok(found)
    }

    fn clear(&mut self) {
        self.now.order.clear();
        self.next.order.clear();
        self.kept.clear();
        self.free.clear();
    }

    fn takes(&self, instruction: u32, letter: char) -> bool {
        let point = u32::from(letter);
        match &self.program.code[instruction as usize] {
            Instruction::Letter(wanted) => *wanted == point,
            Instruction::Class(ranges) => ranges.contains(point),
            Instruction::Any => true,
            Instruction::AnyButNewline => letter != '\n',
            _ => false,
        }
    }

    /// Adds all ways that lead from an instruction to one that waits for a code point.
    fn follow(
        &mut self,
        scope: &Scope<'_>,
        ways: &mut Ways,
        from: usize,
        at: usize,
        around: Around,
    ) -> Result<(), Fault> {
        self.jobs.push(Job::Visit(from));
        while let Some(job) = self.jobs.pop() {
            let instruction = match job {
                Job::Visit(instruction) => instruction,
                Job::Restore(slot, place) => {
                    self.notes[slot] = place;
                    continue;
                }
            };
            self.visits += 1;
            if !ways.insert(instruction) {
                continue;
            }
            let by = |distance: i32| instruction.wrapping_add_signed(distance as isize);
            match &self.program.code[instruction] {
                Instruction::Split(preferred, other) => {
                    self.jobs.push(Job::Visit(by(*other)));
                    self.jobs.push(Job::Visit(by(*preferred)));
                }
                Instruction::Jump(distance) => self.jobs.push(Job::Visit(by(*distance))),
                Instruction::Save(slot) => {
                    let slot = *slot as usize;
                    if slot < self.slots {
                        self.jobs.push(Job::Restore(slot, self.notes[slot]));
                        self.notes[slot] = at;
                    }
                    self.jobs.push(Job::Visit(instruction + 1));
                }
                Instruction::Look(look) => {
                    if around.is(*look) {
                        self.jobs.push(Job::Visit(instruction + 1));
                    }
                }
                _ => {
                    let own = self.keep(scope)?;
                    if let Some(last) = ways.order.last_mut() {
                        last.1 = own;
                    }
                }
            }
        }
        Ok(())
    }

    /// Keeps the notes of the way that is followed.
    fn keep(&mut self, scope: &Scope<'_>) -> Result<u32, Fault> {
        if self.slots == 0 {
            return Ok(0);
        }
        self.visits += self.slots / INSTRUCTIONS_A_STEP;
        if let Some(own) = self.free.pop() {
            let start = own as usize * self.slots;
            self.kept[start..start + self.slots].copy_from_slice(&self.notes);
            return Ok(own);
        }
        let own = self.kept.len() / self.slots;
        scope.reserve((self.kept.len() + self.slots) * 2 * size_of::<usize>())?;
        self.kept.extend_from_slice(&self.notes);
        Ok(own as u32)
    }

    /// Takes up the notes of a way again.
    fn recall(&mut self, own: u32) {
        let start = own as usize * self.slots;
        self.notes
            .copy_from_slice(&self.kept[start..start + self.slots]);
        self.release(own);
    }

    fn release(&mut self, own: u32) {
        if self.slots > 0 && own != PASSING {
            self.free.push(own);
        }
    }
}
