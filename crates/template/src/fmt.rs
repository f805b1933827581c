//! Go's `fmt`: what `print`, `printf` and `println` give, and how an action shows its value.

mod float;
mod format;
mod number;
mod quote;
mod value;

pub(crate) use float::fixed;
pub(crate) use quote::quoted;

use crate::{
    error::{Fault, Problem},
    functions::Scope,
    text::Growing,
    unicode,
    value::{Kind, Value},
};

/// What stands between the per cent sign and the verb.
#[derive(Clone, Copy, Default)]
struct Flags {
    width: Option<usize>,
    precision: Option<usize>,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`
    plus_v: bool,
    /// `%#v`
    sharp_v: bool,
}

/// Writes values as Go does. What goes wrong is kept until the end: the writing itself is endless work without it.
struct Printer {
    out: Growing,
    /// How long the result may get.
    longest: usize,
    deepest: usize,
    flags: Flags,
    /// A value is shown because its verb was wrong: its methods are left alone.
    erroring: bool,
    wrong: Option<Wrong>,
    /// The steps that it took so far, and how many it may take.
    steps: usize,
    most_steps: u64,
}

/// So many bytes that are shown are one step.
const BYTES_A_STEP: usize = 16;

#[derive(Clone, Copy)]
enum Wrong {
    TooLong,
    TooDeep,
    TooCostly,
    /// The address of something, which nobody can know.
    Address,
}

impl Printer {
    fn new(scope: &Scope<'_>) -> Self {
        Self {
            out: Growing::default(),
            longest: scope.remaining(),
            deepest: scope.value_depth(),
            flags: Flags::default(),
            erroring: false,
            wrong: None,
            steps: 0,
            most_steps: scope.meter.remaining_steps(),
        }
    }

    fn finish(self, scope: &mut Scope<'_>) -> Result<Vec<u8>, Fault> {
        scope.steps(self.steps + self.out.len() / BYTES_A_STEP)?;
        match self.wrong {
            None => Ok(self.out.into_vec()),
            Some(Wrong::TooLong) => Err(Problem::Memory(scope.meter.limits().memory).into()),
            Some(Wrong::TooCostly) => Err(Problem::Steps(scope.meter.limits().steps).into()),
            Some(Wrong::TooDeep) => Err(scope.too_deep()),
            Some(Wrong::Address) => Err(Problem::Address.into()),
        }
    }

    /// Counts operations.
    fn take_steps(&mut self, count: usize) {
        self.steps += count;
        if self.steps as u64 > self.most_steps {
            self.wrong = Some(Wrong::TooCostly);
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.has_room(bytes.len()) {
            self.out.extend(bytes);
        }
    }

    fn fill(&mut self, byte: u8, count: usize) {
        if self.has_room(count) {
            self.out.fill(byte, count);
        }
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        if self.out.len().saturating_add(bytes) > self.longest {
            self.wrong = Some(Wrong::TooLong);
        }
        self.wrong.is_none()
    }

    /// Spaces or zeros.
    fn padding(&mut self, count: usize) {
        let zeros = self.flags.zero && !self.flags.minus;
        self.fill(if zeros { b'0' } else { b' ' }, count);
    }

    /// Writes bytes on the side that is asked for in the width that is asked for.
    fn pad(&mut self, bytes: &[u8]) {
        let Some(width) = self.flags.width.filter(|width| *width > 0) else {
            self.write(bytes);
            return;
        };
        let missing = width.saturating_sub(unicode::count(bytes));
        if !self.flags.minus {
            self.padding(missing);
        }
        self.write(bytes);
        if self.flags.minus {
            self.padding(missing);
        }
    }

    /// The same without zeros.
    fn pad_with_spaces(&mut self, bytes: &[u8]) {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(bytes);
        self.flags.zero = zero;
    }
}

/// `fmt.Sprint`
pub(crate) fn print(scope: &mut Scope<'_>, values: &[Value]) -> Result<Vec<u8>, Fault> {
    let mut printer = Printer::new(scope);
    let mut after_text = false;
    for (index, value) in values.iter().enumerate() {
        let is_text = value.kind() == Kind::String;
        if index > 0 && !is_text && !after_text {
            printer.write(b" ");
        }
        printer.argument(value, 'v');
        after_text = is_text;
    }
    printer.finish(scope)
}

/// `fmt.Sprintln`
pub(crate) fn println(scope: &mut Scope<'_>, values: &[Value]) -> Result<Vec<u8>, Fault> {
    let mut printer = Printer::new(scope);
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            printer.write(b" ");
        }
        printer.argument(value, 'v');
    }
    printer.write(b"\n");
    printer.finish(scope)
}

/// `fmt.Sprintf`
pub(crate) fn printf(
    scope: &mut Scope<'_>,
    format: &[u8],
    values: &[Value],
) -> Result<Vec<u8>, Fault> {
    let mut printer = Printer::new(scope);
    printer.format(format, values);
    printer.finish(scope)
}
