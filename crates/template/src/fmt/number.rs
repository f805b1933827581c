//! Integers and characters as `printf` shows them.

use super::{Printer, quote};
use crate::unicode;

impl Printer {
    /// An integer, given as its size and sign. Returns whether there is such a verb.
    pub(super) fn integer(
        &mut self,
        size: u64,
        negative: bool,
        is_signed: bool,
        verb: char,
    ) -> bool {
        match verb {
            'v' if self.flags.sharp_v && !is_signed => self.hexadecimal(size),
            'v' | 'd' => self.digits(size, negative, 10, verb, false),
            'b' => self.digits(size, negative, 2, verb, false),
            'o' | 'O' => self.digits(size, negative, 8, verb, false),
            'x' => self.digits(size, negative, 16, verb, false),
            'X' => self.digits(size, negative, 16, verb, true),
            'c' => {
                let letter = character(size, negative);
                self.pad(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            'q' => {
                let quoted = quote::quoted_letter(character(size, negative), self.flags.plus);
                self.pad(&quoted);
            }
            'U' => self.code_point(size, negative),
            _ => return false,
        }
        true
    }

    /// `0x` and digits, as `%#v` shows what has no sign.
    pub(super) fn hexadecimal(&mut self, number: u64) {
        let sharp = std::mem::replace(&mut self.flags.sharp, true);
        self.digits(number, false, 16, 'v', false);
        self.flags.sharp = sharp;
    }

    fn digits(&mut self, size: u64, negative: bool, base: u64, verb: char, upper: bool) {
        let mut least = 0;
        if let Some(precision) = self.flags.precision {
            least = precision;
            if precision == 0 && size == 0 {
                let zero = std::mem::replace(&mut self.flags.zero, false);
                self.padding(self.flags.width.unwrap_or(0));
                self.flags.zero = zero;
                return;
            }
        } else if let Some(width) = self.flags.width
            && self.flags.zero
            && !self.flags.minus
        {
            let sign = negative || self.flags.plus || self.flags.space;
            least = width.saturating_sub(usize::from(sign));
        }
        if !self.has_room(least) {
            return;
        }
        // From the last digit to the sign.
        let mut text = Vec::with_capacity(least + 72);
        let mut rest = size;
        loop {
            let digit = char::from_digit((rest % base) as u32, 16).unwrap_or('0');
            text.push(if upper {
                digit.to_ascii_uppercase()
            } else {
                digit
            } as u8);
            rest /= base;
            if rest == 0 {
                break;
            }
        }
        while text.len() < least {
            text.push(b'0');
        }
        if self.flags.sharp {
            match base {
                2 => text.extend(*b"b0"),
                8 if text.last() != Some(&b'0') => text.push(b'0'),
                16 => text.extend([if upper { b'X' } else { b'x' }, b'0']),
                _ => {}
            }
        }
        if verb == 'O' {
            text.extend(*b"o0");
        }
        if negative {
            text.push(b'-');
        } else if self.flags.plus {
            text.push(b'+');
        } else if self.flags.space {
            text.push(b' ');
        }
        text.reverse();
        self.pad_with_spaces(&text);
    }

    /// `U+0041`, and the character with `#`.
    fn code_point(&mut self, size: u64, negative: bool) {
        // A negative number is shown as the bits that it is made of.
        let bits = if negative { size.wrapping_neg() } else { size };
        let digits = self.flags.precision.unwrap_or(0).max(4);
        if !self.has_room(digits) {
            return;
        }
        let shown = format!("{bits:X}");
        let zeros = "0".repeat(digits.saturating_sub(shown.len()));
        let mut text = format!("U+{zeros}{shown}");
        let letter = u32::try_from(bits).ok().and_then(char::from_u32);
        if let Some(letter) =
            letter.filter(|letter| self.flags.sharp && unicode::is_printed(*letter))
        {
            text.push_str(" '");
            text.push(letter);
            text.push('\'');
        }
        self.pad_with_spaces(text.as_bytes());
    }
}

/// The character of a number, U+FFFD where there is none.
fn character(size: u64, negative: bool) -> char {
    u32::try_from(size)
        .ok()
        .filter(|_| !negative)
        .and_then(char::from_u32)
        .unwrap_or(unicode::REPLACEMENT)
}
