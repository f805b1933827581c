//! Reads Go's syntax of regular expressions.
//!
//! ```text
//! expression = sequence { "|" sequence }
//! sequence   = { item [ repetition [ "?" ] ] }
//! repetition = "*" | "+" | "?" | "{" number [ "," [ number ] ] "}"
//! item       = letter | "." | "^" | "$" | class | escape | group
//! group      = "(" [ "?" flags ":" | "?P<" name ">" | "?<" name ">" ] expression ")" | "(?" flags ")"
//! flags      = { "i" | "m" | "s" | "U" } [ "-" { "i" | "m" | "s" | "U" } ]
//! class      = "[" [ "^" ] { letter [ "-" letter ] | "[:" [ "^" ] name ":]" | escape } "]"
//! ```

mod set;

use std::rc::Rc;

use super::{
    class::Ranges,
    program::{self, Fragment, Instruction, Look, Program},
};
use crate::{error::Fault, functions::Scope};

/// How deep the tree of an expression may be, and how often something may be repeated, in Go.
const HIGHEST: usize = 1000;
const MOST_REPEATS: usize = 1000;

#[derive(Clone, Copy, Default)]
struct Flags {
    ignores_case: bool,
    by_line: bool,
    dot_takes_newline: bool,
    not_greedy: bool,
}

/// A group that is open, or the whole expression.
struct Open {
    /// The flags before it.
    flags: Flags,
    /// The number of the group if its places are noted.
    capture: Option<usize>,
    before_bars: Vec<Fragment>,
    sequence: Option<Fragment>,
    /// What a repetition would repeat.
    last: Option<Fragment>,
}

struct Parser<'a, 'b, 'c> {
    scope: &'a mut Scope<'b>,
    rest: &'c str,
    flags: Flags,
    open: Vec<Open>,
    now: Open,
    groups: usize,
    names: Vec<(String, usize)>,
    /// How many bytes the sets of code points take.
    classes: usize,
    /// How many instructions were made by repetitions, wherever they are now.
    repeated: usize,
}

pub(super) fn parse(scope: &mut Scope<'_>, expression: &str) -> Result<Program, Fault> {
    let mut parser = Parser {
        scope,
        rest: expression,
        flags: Flags::default(),
        open: Vec::new(),
        now: Open::new(Flags::default(), None),
        groups: 1,
        names: Vec::new(),
        classes: 0,
        repeated: 0,
    };
    let mut follows_repetition = false;
    while let Some(letter) = parser.rest.chars().next() {
        follows_repetition = parser.item(letter, follows_repetition)?;
    }
    if !parser.open.is_empty() {
        return Err(Fault::Refused);
    }
    let whole = parser.close()?;
    if whole.height > HIGHEST {
        return Err(Fault::Refused);
    }
    let mut code = whole.captured(parser.scope, 0)?.code;
    code.push(Instruction::Match);
    Ok(Program {
        code,
        groups: parser.groups,
        names: parser.names,
    })
}

impl Open {
    fn new(flags: Flags, capture: Option<usize>) -> Self {
        Self {
            flags,
            capture,
            before_bars: Vec::new(),
            sequence: None,
            last: None,
        }
    }
}

impl Parser<'_, '_, '_> {
    /// Reads one item or repetition, and tells which.
    fn item(&mut self, letter: char, follows_repetition: bool) -> Result<bool, Fault> {
        self.scope.steps(1)?;
        match letter {
            '(' if self.rest.starts_with("(?") => self.group_with_flags()?,
            '(' => {
                self.skip(1);
                self.open(self.flags, true);
            }
            '|' => {
                self.skip(1);
                let sequence = self.sequence()?;
                self.now.before_bars.push(sequence);
            }
            ')' => {
                self.skip(1);
                self.close_group()?;
            }
            '^' => self.look(
                1,
                if self.flags.by_line {
                    Look::LineStart
                } else {
                    Look::TextStart
                },
            )?,
            '$' => self.look(
                1,
                if self.flags.by_line {
                    Look::LineEnd
                } else {
                    Look::TextEnd
                },
            )?,
            '.' => {
                self.skip(1);
                self.push(Fragment::one(if self.flags.dot_takes_newline {
                    Instruction::Any
                } else {
                    Instruction::AnyButNewline
                }))?;
            }
            '[' => self.class()?,
            '*' | '+' | '?' => {
                self.skip(1);
                let (least, most) = match letter {
                    '*' => (0, None),
                    '+' => (1, None),
                    _ => (0, Some(1)),
                };
                self.repeat(least, most, follows_repetition)?;
                return Ok(true);
            }
            '{' => {
                let Some((least, most, length)) = counts(self.rest) else {
                    self.skip(1);
                    self.letter('{')?;
                    return Ok(false);
                };
                self.skip(length);
                let (least, most) = (least.ok_or(Fault::Refused)?, most);
                let most = match most {
                    Some(most) => Some(most.ok_or(Fault::Refused)?),
                    None => None,
                };
                let fits = |count: usize| count <= MOST_REPEATS;
                if !fits(least) || most.is_some_and(|most| !fits(most) || least > most) {
                    return Err(Fault::Refused);
                }
                self.repeat(least, most, follows_repetition)?;
                let counted = least >= 2 || most.is_some_and(|most| most >= 2);
                let repeats = self.now.last.as_ref().map_or(0, |last| last.repeats);
                if counted && repeats > MOST_REPEATS {
                    return Err(Fault::Refused);
                }
                return Ok(true);
            }
            '\\' => self.escaped()?,
            _ => {
                self.skip(letter.len_utf8());
                self.letter(letter)?;
            }
        }
        Ok(false)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    /// The next letter, behind which it goes on.
    fn next(&mut self) -> Result<char, Fault> {
        let letter = self.rest.chars().next().ok_or(Fault::Refused)?;
        self.skip(letter.len_utf8());
        Ok(letter)
    }

    fn look(&mut self, length: usize, look: Look) -> Result<(), Fault> {
        self.skip(length);
        self.push(Fragment::one(Instruction::Look(look)))
    }

    fn letter(&mut self, letter: char) -> Result<(), Fault> {
        self.point(u32::from(letter))
    }

    fn point(&mut self, point: u32) -> Result<(), Fault> {
        if self.flags.ignores_case {
            let class = Ranges::folded_point(point);
            if class.iter().any(|range| range != (point, point)) {
                return self.push_class(class);
            }
        }
        self.push(Fragment::one(Instruction::Letter(point)))
    }

    fn push_class(&mut self, class: Ranges) -> Result<(), Fault> {
        self.scope.steps(class.len() / 8)?;
        self.classes += class.len() * size_of::<(u32, u32)>();
        self.scope.reserve(self.classes)?;
        self.push(Fragment::one(Instruction::Class(Rc::new(class))))
    }

    fn push(&mut self, part: Fragment) -> Result<(), Fault> {
        if part.height > HIGHEST {
            return Err(Fault::Refused);
        }
        if let Some(last) = self.now.last.replace(part) {
            append(self.scope, &mut self.now.sequence, last)?;
        }
        Ok(())
    }

    fn repeat(
        &mut self,
        least: usize,
        most: Option<usize>,
        follows_repetition: bool,
    ) -> Result<(), Fault> {
        let mut greedy = !self.flags.not_greedy;
        if self.rest.starts_with('?') {
            self.skip(1);
            greedy = !greedy;
        }
        if follows_repetition {
            return Err(Fault::Refused);
        }
        let part = self.now.last.take().ok_or(Fault::Refused)?;
        let part = part.repeated(self.scope, least, most, greedy)?;
        self.repeated += part.code.len();
        program::reserve(self.scope, self.repeated)?;
        self.push(part)
    }

    fn open(&mut self, flags: Flags, is_captured: bool) {
        let capture = is_captured.then_some(self.groups);
        self.groups += usize::from(is_captured);
        let outer = std::mem::replace(&mut self.now, Open::new(flags, capture));
        self.open.push(outer);
    }

    fn close_group(&mut self) -> Result<(), Fault> {
        let mut part = self.close()?;
        if let Some(capture) = self.now.capture {
            part = part.captured(self.scope, capture)?;
        }
        self.flags = self.now.flags;
        self.now = self.open.pop().ok_or(Fault::Refused)?;
        self.push(part)
    }

    /// All of the group that is open.
    fn close(&mut self) -> Result<Fragment, Fault> {
        let sequence = self.sequence()?;
        let mut parts = std::mem::take(&mut self.now.before_bars);
        parts.push(sequence);
        Fragment::one_of(self.scope, parts)
    }

    /// What stands there since the last bar.
    fn sequence(&mut self) -> Result<Fragment, Fault> {
        let last = self.now.last.take();
        match (self.now.sequence.take(), last) {
            (sequence @ Some(_), Some(last)) => {
                let mut sequence = sequence;
                append(self.scope, &mut sequence, last)?;
                Ok(sequence.unwrap_or_else(Fragment::empty))
            }
            (None, Some(only)) | (Some(only), None) => Ok(only),
            (None, None) => Ok(Fragment::empty()),
        }
    }

    fn group_with_flags(&mut self) -> Result<(), Fault> {
        let named = ["(?P<", "(?<"].iter().find_map(|start| {
            let rest = self.rest.strip_prefix(start)?;
            // Go wants more to stand there.
            (!rest.is_empty()).then_some(rest)
        });
        if let Some(rest) = named {
            let (name, rest) = rest.split_once('>').ok_or(Fault::Refused)?;
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(allowed) {
                return Err(Fault::Refused);
            }
            self.names.push((name.to_owned(), self.groups));
            self.rest = rest;
            self.open(self.flags, true);
            return Ok(());
        }
        self.skip(2);
        let before = self.flags;
        let mut flags = before;
        let (mut on, mut saw_flag) = (true, false);
        loop {
            let letter = self.next()?;
            match letter {
                'i' => flags.ignores_case = on,
                'm' => flags.by_line = on,
                's' => flags.dot_takes_newline = on,
                'U' => flags.not_greedy = on,
                '-' if on => {
                    on = false;
                    saw_flag = false;
                    continue;
                }
                ':' | ')' if on || saw_flag => {
                    if letter == ':' {
                        self.open(before, false);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => return Err(Fault::Refused),
            }
            saw_flag = true;
        }
    }

    fn escaped(&mut self) -> Result<(), Fault> {
        let looks = [
            ("\\A", Look::TextStart),
            ("\\z", Look::TextEnd),
            ("\\b", Look::WordBoundary),
            ("\\B", Look::NoWordBoundary),
        ];
        if let Some((_, look)) = looks.iter().find(|(start, _)| self.rest.starts_with(start)) {
            return self.look(2, *look);
        }
        if let Some(rest) = self.rest.strip_prefix("\\Q") {
            let (literal, rest) = rest.split_once("\\E").unwrap_or((rest, ""));
            self.rest = rest;
            for letter in literal.chars() {
                self.scope.steps(1)?;
                self.letter(letter)?;
            }
            return Ok(());
        }
        if let Some(class) = self.set()? {
            return self.push_class(class);
        }
        let point = self.escape()?;
        self.point(point)
    }
}

fn append(
    scope: &mut Scope<'_>,
    sequence: &mut Option<Fragment>,
    part: Fragment,
) -> Result<(), Fault> {
    match sequence {
        None => *sequence = Some(part),
        Some(sequence) => {
            if !sequence.is_sequence {
                sequence.height += 1;
            }
            sequence.then(scope, part)?;
        }
    }
    Ok(())
}

/// A count: nothing if it is far too large.
type Count = Option<usize>;

/// `{least}`, `{least,}` or `{least,most}` and how many bytes it takes; nothing where the brace stands for itself.
fn counts(text: &str) -> Option<(Count, Option<Count>, usize)> {
    let rest = text.strip_prefix('{')?;
    let (least, rest) = count(rest)?;
    let (most, rest) = match rest.strip_prefix(',') {
        None => (Some(least), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => {
            let (most, rest) = count(rest)?;
            (Some(most), rest)
        }
    };
    let rest = rest.strip_prefix('}')?;
    Some((least, most, text.len() - rest.len()))
}

fn count(text: &str) -> Option<(Count, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    if digits.is_empty() || (length > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().ok(), rest))
}
