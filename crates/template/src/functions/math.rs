//! Numbers.

use super::{
    Arguments, Function, Parameter, Scope,
    convert::{float_of, int_of, shown},
};
use crate::{error::Fault, value::Value};

const ANY: &[Parameter] = &[Parameter::Any];
const TWO: &[Parameter] = &[Parameter::Any, Parameter::Any];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("int", ANY, |_, mut given| {
        Ok(Value::Int(int_of(&given.any()?)))
    }),
    Function::new("int64", ANY, |_, mut given| {
        Ok(Value::Int64(int_of(&given.any()?)))
    }),
    Function::new("float64", ANY, |_, mut given| {
        Ok(Value::Float(float_of(&given.any()?)))
    }),
    Function::new("atoi", &[Parameter::Text], |_, mut given| {
        let text = given.text()?;
        Ok(Value::Int(clipped(
            str::from_utf8(&text).unwrap_or_default(),
            10,
        )))
    }),
    Function::new("toDecimal", ANY, |scope, mut given| {
        let text = shown(scope, &given.any()?)?;
        let number = str::from_utf8(&text)
            .ok()
            .and_then(|text| parse_base(text, 8));
        Ok(Value::Int64(number.and_then(Result::ok).unwrap_or(0)))
    }),
    Function::new("add1", ANY, |_, mut given| {
        Ok(Value::Int64(int_of(&given.any()?).wrapping_add(1)))
    }),
    Function::new("add", ANY, |_, given| {
        folded(given, Some(0), |a, b| Ok(a.wrapping_add(b)))
    })
    .variadic(),
    Function::new("sub", TWO, |_, given| {
        folded(given, None, |a, b| Ok(a.wrapping_sub(b)))
    }),
    Function::new("mul", TWO, |_, given| {
        folded(given, None, |a, b| Ok(a.wrapping_mul(b)))
    })
    .variadic(),
    Function::new("div", TWO, |_, given| {
        folded(given, None, |a, b| {
            if b == 0 {
                Err(Fault::Refused)
            } else {
                Ok(a.wrapping_div(b))
            }
        })
    }),
    Function::new("mod", TWO, |_, given| {
        folded(given, None, |a, b| {
            if b == 0 {
                Err(Fault::Refused)
            } else {
                Ok(a.wrapping_rem(b))
            }
        })
    }),
    Function::new("max", TWO, |_, given| {
        folded(given, None, |a, b| Ok(a.max(b)))
    })
    .variadic(),
    Function::new("biggest", TWO, |_, given| {
        folded(given, None, |a, b| Ok(a.max(b)))
    })
    .variadic(),
    Function::new("min", TWO, |_, given| {
        folded(given, None, |a, b| Ok(a.min(b)))
    })
    .variadic(),
    Function::new("maxf", TWO, |_, given| folded_floats(given, greater)).variadic(),
    Function::new("minf", TWO, |_, given| folded_floats(given, less)).variadic(),
    Function::new("floor", ANY, |_, mut given| {
        Ok(Value::Float(float_of(&given.any()?).floor()))
    }),
    Function::new("ceil", ANY, |_, mut given| {
        Ok(Value::Float(float_of(&given.any()?).ceil()))
    }),
    Function::new(
        "round",
        &[Parameter::Any, Parameter::Int, Parameter::Float],
        round,
    )
    .variadic(),
];

/// The first number with all others in turn.
fn folded(
    given: Arguments,
    start: Option<i64>,
    with: fn(i64, i64) -> Result<i64, Fault>,
) -> Result<Value, Fault> {
    let given = given.rest();
    let mut numbers = start.into_iter().chain(given.iter().map(int_of));
    let mut number = numbers.next().ok_or(Fault::Refused)?;
    for other in numbers {
        number = with(number, other)?;
    }
    Ok(Value::Int64(number))
}

fn folded_floats(given: Arguments, with: fn(f64, f64) -> f64) -> Result<Value, Fault> {
    let given = given.rest();
    let number = given.iter().map(float_of).reduce(with);
    Ok(Value::Float(number.ok_or(Fault::Refused)?))
}

/// Go's `math.Max`: infinity before what is no number, and no number before all numbers.
fn greater(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else {
        a.max(b)
    }
}

/// Go's `math.Min`.
fn less(a: f64, b: f64) -> f64 {
    -greater(-a, -b)
}

/// To so many digits after the point; up from a half, or from what the third argument says.
fn round(_: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let number = float_of(&given.any()?);
    let places = given.int()?;
    let round_on = match given.next() {
        Some(Value::Float(round_on)) => round_on,
        _ => 0.5,
    };
    let power = power_of_ten(places);
    let digit = power * number;
    let whole = if digit.is_infinite() {
        digit
    } else {
        digit.trunc()
    };
    let fraction = if digit.is_infinite() {
        f64::NAN
    } else {
        digit - whole
    };
    let rounded = if fraction >= round_on {
        digit.ceil()
    } else {
        digit.floor()
    };
    Ok(Value::Float(rounded / power))
}

/// Ten to a power as Go computes it: by squares, not to the nearest.
fn power_of_ten(places: i64) -> f64 {
    match places {
        0 => return 1.0,
        -1 => return 0.1,
        1 => return 10.0,
        ..-400 => return 0.0,
        400.. => return f64::INFINITY,
        _ => {}
    }
    let (mut mantissa, mut exponent) = (1.0_f64, 0_i32);
    // Ten is 0.625 times two to the fourth.
    let (mut square, mut square_exponent) = (0.625_f64, 4_i32);
    let mut rest = places.unsigned_abs();
    while rest > 0 {
        if rest & 1 == 1 {
            mantissa *= square;
            exponent += square_exponent;
        }
        square *= square;
        square_exponent *= 2;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        rest >>= 1;
    }
    if places < 0 {
        mantissa = 1.0 / mantissa;
        exponent = -exponent;
    }
    scaled(mantissa, exponent)
}

/// `number * 2^exponent`, in steps that lose nothing before the last.
fn scaled(number: f64, exponent: i32) -> f64 {
    let mut number = number;
    let mut rest = exponent;
    while rest > 0 {
        let step = rest.min(1000);
        number *= f64::from_bits(((1023 + step) as u64) << 52);
        rest -= step;
    }
    // Below the normal numbers only one step may round.
    while rest < -1000 {
        number *= f64::from_bits(((1023 - 500) as u64) << 52);
        rest += 500;
    }
    if rest < 0 {
        number *= f64::from_bits(((1023 + rest) as u64) << 52);
    }
    number
}

/// A number in a base; what is too large is an error that holds the largest.
fn parse_base(text: &str, base: u32) -> Option<Result<i64, i64>> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let largest = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    Some(i64::from_str_radix(text, base).map_err(|_| largest))
}

/// 0 for what is no number, the largest for what is too large.
pub(super) fn clipped(text: &str, base: u32) -> i64 {
    match parse_base(text, base) {
        Some(Ok(number) | Err(number)) => number,
        None => 0,
    }
}
