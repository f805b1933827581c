//! The format of `printf`.

use super::{Flags, Printer};
use crate::{unicode, value::Value};

/// Widths and precisions that are larger are refused by Go too.
const LARGEST: usize = 1_000_000;

/// Reading a format and taking arguments.
struct Format<'a> {
    text: &'a [u8],
    at: usize,
    values: &'a [Value],
    /// The next argument.
    argument: usize,
    /// Whether an argument was named by its number; then nobody minds what is left over.
    reordered: bool,
    /// Whether the number of the argument makes sense.
    good_number: bool,
    /// Whether what was just read is the number of an argument.
    after_number: bool,
    /// Whether no bracket is closed in what is left.
    never_closed: bool,
}

impl Printer {
    pub(super) fn format(&mut self, text: &[u8], values: &[Value]) {
        let mut format = Format {
            text,
            at: 0,
            values,
            argument: 0,
            reordered: false,
            good_number: true,
            after_number: false,
            never_closed: false,
        };
        while self.wrong.is_none() && format.at < text.len() {
            let start = format.at;
            let rest = &text[start..];
            let length = rest
                .iter()
                .position(|byte| *byte == b'%')
                .unwrap_or(rest.len());
            self.write(&rest[..length]);
            format.at += length;
            if format.at == text.len() {
                break;
            }
            format.at += 1;
            self.directive(&mut format);
        }
        if !format.reordered && format.argument < values.len() {
            self.flags = Flags::default();
            self.left_over(&values[format.argument..]);
        }
    }

    /// What follows a per cent sign.
    fn directive(&mut self, format: &mut Format<'_>) {
        format.good_number = true;
        self.flags = Flags::default();
        while let Some(byte) = format.peek() {
            match byte {
                b'#' => self.flags.sharp = true,
                b'0' => self.flags.zero = true,
                b'+' => self.flags.plus = true,
                b'-' => self.flags.minus = true,
                b' ' => self.flags.space = true,
                b'a'..=b'z' if format.argument < format.values.len() => {
                    format.at += 1;
                    self.verb(format, char::from(byte));
                    return;
                }
                _ => break,
            }
            format.at += 1;
        }
        format.after_number = false;
        format.number();
        self.width(format);
        self.precision(format);
        if !format.after_number {
            format.number();
        }
        let rest = &format.text[format.at..];
        if rest.is_empty() {
            self.write(b"%!(NOVERB)");
            return;
        }
        let (verb, length) = unicode::decode(rest);
        format.at += length;
        if verb == '%' {
            self.write(b"%");
        } else if !format.good_number {
            self.bad(verb, b"(BADINDEX)");
        } else if format.argument >= format.values.len() {
            self.bad(verb, b"(MISSING)");
        } else {
            self.verb(format, verb);
        }
    }

    fn verb(&mut self, format: &mut Format<'_>, verb: char) {
        if matches!(verb, 'v' | 'w') {
            self.flags.sharp_v = std::mem::replace(&mut self.flags.sharp, false);
            self.flags.plus_v = std::mem::replace(&mut self.flags.plus, false);
        }
        self.argument(&format.values[format.argument], verb);
        format.argument += 1;
    }

    fn width(&mut self, format: &mut Format<'_>) {
        if format.take(b'*') {
            match format.int() {
                Some(width) => {
                    self.flags.width = Some(width.unsigned_abs() as usize);
                    if width < 0 {
                        self.flags.minus = true;
                        self.flags.zero = false;
                    }
                }
                None => self.write(b"%!(BADWIDTH)"),
            }
            format.after_number = false;
        } else {
            self.flags.width = format.digits();
            if format.after_number && self.flags.width.is_some() {
                format.good_number = false;
            }
        }
    }

    fn precision(&mut self, format: &mut Format<'_>) {
        if format.at + 1 >= format.text.len() || !format.take(b'.') {
            return;
        }
        if format.after_number {
            format.good_number = false;
        }
        format.number();
        if format.take(b'*') {
            self.flags.precision = format.int().and_then(|number| number.try_into().ok());
            if self.flags.precision.is_none() {
                self.write(b"%!(BADPREC)");
            }
            format.after_number = false;
        } else {
            self.flags.precision = Some(format.digits().unwrap_or(0));
        }
    }

    fn bad(&mut self, verb: char, what: &[u8]) {
        self.write(b"%!");
        self.letter(verb);
        self.write(what);
    }

    fn left_over(&mut self, values: &[Value]) {
        self.write(b"%!(EXTRA ");
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.write(b", ");
            }
            if value.is_nothing() {
                self.write(b"<nil>");
            } else {
                self.write(value.type_name().as_bytes());
                self.write(b"=");
                self.argument(value, 'v');
            }
        }
        self.write(b")");
    }
}

impl Format<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Digits, if there are any. One that is too large makes the rest of the format unreadable, as in Go.
    fn digits(&mut self) -> Option<usize> {
        let (number, at) = digits(self.text, self.at, self.text.len());
        self.at = at;
        number
    }

    /// `[n]`: the number of the next argument, counted from one.
    fn number(&mut self) {
        self.after_number = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = &self.text[self.at..];
        let close = if self.never_closed {
            None
        } else {
            memchr::memchr(b']', rest)
        };
        self.never_closed = close.is_none();
        let Some(close) = close.filter(|_| rest.len() >= 3) else {
            self.at += 1;
            self.good_number = false;
            return;
        };
        let (number, read) = digits(rest, 1, close);
        self.at += close + 1;
        let number = number.filter(|_| read == close);
        self.after_number = number.is_some();
        match number.and_then(|number| number.checked_sub(1)) {
            Some(index) if index < self.values.len() => self.argument = index,
            _ => self.good_number = false,
        }
    }

    /// The next argument as a width or a precision.
    fn int(&mut self) -> Option<i64> {
        let value = self.values.get(self.argument)?;
        self.argument += 1;
        let unsigned = || value.unsigned().and_then(|number| number.try_into().ok());
        let number = value.signed().or_else(unsigned)?;
        (number.unsigned_abs() <= LARGEST as u64).then_some(number)
    }
}

fn digits(text: &[u8], start: usize, end: usize) -> (Option<usize>, usize) {
    if start >= end {
        return (None, end);
    }
    let mut number = None;
    let mut at = start;
    while at < end && text[at].is_ascii_digit() {
        if number.is_some_and(|number| number > LARGEST) {
            return (None, end);
        }
        number = Some(number.unwrap_or(0) * 10 + usize::from(text[at] - b'0'));
        at += 1;
    }
    (number, at)
}
