//! Arithmetic with decimal fractions, exact but for division.

use num_bigint::{BigInt, Sign};

use super::{Arguments, Function, Parameter, Scope, convert::float_of};
use crate::{error::Fault, value::Value};

const TWO: &[Parameter] = &[Parameter::Any, Parameter::Any];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("add1f", &[Parameter::Any], |scope, mut given| {
        let number = Decimal::of(float_of(&given.any()?))?;
        let one = Decimal::of(1.0)?;
        number.plus(scope, &one)?.float()
    }),
    Function::new("addf", &[Parameter::Any], |scope, given| {
        let zero = Decimal::of(0.0)?;
        folded(scope, zero, given, Decimal::plus)
    })
    .variadic(),
    Function::new("subf", TWO, |scope, mut given| {
        let first = Decimal::of(float_of(&given.any()?))?;
        folded(scope, first, given, |left, scope, right| {
            left.plus(scope, &right.negated())
        })
    })
    .variadic(),
    Function::new("mulf", TWO, |scope, mut given| {
        let first = Decimal::of(float_of(&given.any()?))?;
        folded(scope, first, given, Decimal::times)
    })
    .variadic(),
    Function::new("divf", TWO, |scope, mut given| {
        let first = Decimal::of(float_of(&given.any()?))?;
        folded(scope, first, given, Decimal::divided)
    })
    .variadic(),
];

/// `digits * 10^exponent`
#[derive(Clone)]
struct Decimal {
    digits: BigInt,
    exponent: i64,
}

/// How many digits after the point a quotient has.
const PLACES: i64 = 16;
/// How long numbers may get.
const LONGEST: u64 = 100_000;

fn folded(
    scope: &mut Scope<'_>,
    first: Decimal,
    given: Arguments,
    with: impl Fn(&Decimal, &mut Scope<'_>, &Decimal) -> Result<Decimal, Fault>,
) -> Result<Value, Fault> {
    let mut number = first;
    for other in given.rest() {
        let other = Decimal::of(float_of(&other))?;
        number = with(&number, scope, &other)?;
    }
    number.float()
}

fn power_of_ten(exponent: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent.clamp(0, LONGEST as i64)).unwrap_or(0))
}

impl Decimal {
    /// The shortest decimal that reads as the number.
    fn of(number: f64) -> Result<Self, Fault> {
        if !number.is_finite() {
            return Err(Fault::Refused);
        }
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e').ok_or(Fault::Refused)?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}")
            .parse()
            .map_err(|_| Fault::Refused)?;
        let exponent: i64 = exponent.parse().map_err(|_| Fault::Refused)?;
        Ok(Self {
            digits,
            exponent: exponent - fraction.len() as i64,
        })
    }

    /// The nearest number.
    fn float(&self) -> Result<Value, Fault> {
        let text = format!("{}e{}", self.digits, self.exponent);
        text.parse().map(Value::Float).map_err(|_| Fault::Refused)
    }

    /// Counts what the next operation takes.
    fn counted(&self, scope: &mut Scope<'_>, other: &Self) -> Result<(), Fault> {
        let length = self.digits.bits() + other.digits.bits();
        if length > LONGEST || self.exponent.abs().max(other.exponent.abs()) > LONGEST as i64 {
            return Err(Fault::Refused);
        }
        let words = (length / 64 + self.exponent.abs_diff(other.exponent) / 16) as usize;
        scope.steps(10 + words + words / 8 * words.div_ceil(64))
    }

    fn plus(&self, scope: &mut Scope<'_>, other: &Self) -> Result<Self, Fault> {
        self.counted(scope, other)?;
        let exponent = self.exponent.min(other.exponent);
        let scaled = |number: &Self| &number.digits * power_of_ten(number.exponent - exponent);
        Ok(Self {
            digits: scaled(self) + scaled(other),
            exponent,
        })
    }

    fn negated(&self) -> Self {
        Self {
            digits: -&self.digits,
            exponent: self.exponent,
        }
    }

    fn times(&self, scope: &mut Scope<'_>, other: &Self) -> Result<Self, Fault> {
        self.counted(scope, other)?;
        Ok(Self {
            digits: &self.digits * &other.digits,
            exponent: self.exponent + other.exponent,
        })
    }

    /// To so many places; halves go away from zero.
    fn divided(&self, scope: &mut Scope<'_>, other: &Self) -> Result<Self, Fault> {
        self.counted(scope, other)?;
        if other.digits.sign() == Sign::NoSign {
            return Err(Fault::Refused);
        }
        let shift = self.exponent - other.exponent + PLACES;
        let over = &self.digits * power_of_ten(shift);
        let under = &other.digits * power_of_ten(-shift);
        let mut digits = &over / &under;
        let rest = &over - &digits * &under;
        if rest.magnitude() * 2_u32 >= *under.magnitude() {
            if over.sign() == under.sign() {
                digits += 1;
            } else {
                digits -= 1;
            }
        }
        Ok(Self {
            digits,
            exponent: -PLACES,
        })
    }
}
