//! Semantic versions as sprig's `semver` reads them: Masterminds' rules, which take `v1.2` too.

use std::{cmp::Ordering, rc::Rc};

use crate::{
    error::Fault,
    functions::{Arguments, Function, Parameter, Scope},
    object::Object,
    text::Text,
    value::Value,
};

/// A version.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Version {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) patch: u64,
    pub(crate) pre: String,
    pub(crate) metadata: String,
    /// As it was written.
    pub(crate) original: String,
}

impl Version {
    /// Reads a version. Leading zeros are taken in numbers, not in what follows the hyphen.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) = rest.split_once('+').unwrap_or((rest, ""));
        if text.contains('+') && !are_identifiers(metadata) {
            return None;
        }
        let (numbers, pre) = rest.split_once('-').unwrap_or((rest, ""));
        if rest.contains('-') && !(are_identifiers(pre) && has_no_leading_zero(pre)) {
            return None;
        }
        let mut numbers = numbers.split('.').map(number);
        let mut version = Self {
            major: numbers.next()??,
            pre: pre.to_owned(),
            metadata: metadata.to_owned(),
            original: text.to_owned(),
            ..Self::default()
        };
        if let Some(minor) = numbers.next() {
            version.minor = minor?;
        }
        if let Some(patch) = numbers.next() {
            version.patch = patch?;
        }
        numbers.next().is_none().then_some(version)
    }

    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.pre.len() + self.metadata.len() + self.original.len()
    }

    pub(crate) fn string(&self) -> String {
        let mut text = format!("{}.{}.{}", self.major, self.minor, self.patch);
        for (sign, part) in [('-', &self.pre), ('+', &self.metadata)] {
            if !part.is_empty() {
                text.push(sign);
                text.push_str(part);
            }
        }
        text
    }

    pub(crate) fn fields(&self) -> Vec<(&'static str, Value)> {
        let text = |text: &str| Value::Text(Text::from(text));
        vec![
            ("major", Value::Uint64(self.major)),
            ("minor", Value::Uint64(self.minor)),
            ("patch", Value::Uint64(self.patch)),
            ("pre", text(&self.pre)),
            ("metadata", text(&self.metadata)),
            ("original", text(&self.original)),
        ]
    }

    /// The order of versions; what follows the plus sign does not count.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| {
            match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_pre(&self.pre, &other.pre),
            }
        })
    }

    /// The same with other numbers, and named after them.
    fn next(&self, major: u64, minor: u64, patch: u64) -> Self {
        self.renamed(Self {
            major,
            minor,
            patch,
            ..Self::default()
        })
    }

    fn renamed(&self, mut next: Self) -> Self {
        let prefix = if self.original.starts_with('v') {
            "v"
        } else {
            ""
        };
        next.original = format!("{prefix}{}", next.string());
        next
    }
}

/// The order of what follows the hyphen; no part is less than any part.
pub(crate) fn compare_pre(ours: &str, theirs: &str) -> Ordering {
    let (mut ours, mut theirs) = (ours.split('.'), theirs.split('.'));
    loop {
        let (our, their) = match (ours.next(), theirs.next()) {
            (None, None) => return Ordering::Equal,
            (our, their) => (our.unwrap_or_default(), their.unwrap_or_default()),
        };
        let order = compare_part(our, their);
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_part(our: &str, their: &str) -> Ordering {
    if our == their {
        return Ordering::Equal;
    }
    if our.is_empty() || their.is_empty() {
        return our.is_empty().cmp(&their.is_empty()).reverse();
    }
    match (number(our), number(their)) {
        (None, None) => our.cmp(their),
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        // Equal numbers that are written differently count as less, as upstream does.
        (Some(our), Some(their)) => our.cmp(&their).then(Ordering::Less),
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn are_identifiers(text: &str) -> bool {
    let is_one = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !part.is_empty() && part.bytes().all(allowed)
    };
    text.split('.').all(is_one)
}

fn has_no_leading_zero(text: &str) -> bool {
    let is_fine = |part: &str| {
        part.len() < 2 || !part.starts_with('0') || !part.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.split('.').all(is_fine)
}

/// Methods of a version and of a pointer to one.
pub(crate) const METHODS: &[Function] = &[
    Function::new("Major", &[], |_, mut given| {
        Ok(Value::Uint64(given.version()?.major))
    }),
    Function::new("Minor", &[], |_, mut given| {
        Ok(Value::Uint64(given.version()?.minor))
    }),
    Function::new("Patch", &[], |_, mut given| {
        Ok(Value::Uint64(given.version()?.patch))
    }),
    Function::new("Prerelease", &[], |scope, mut given| {
        scope.text(given.version()?.pre.clone())
    }),
    Function::new("Metadata", &[], |scope, mut given| {
        scope.text(given.version()?.metadata.clone())
    }),
    Function::new("String", &[], |scope, mut given| {
        scope.text(given.version()?.string())
    }),
    Function::new("IncMajor", &[], |scope, mut given| {
        let version = given.version()?;
        made(scope, version.next(version.major.wrapping_add(1), 0, 0))
    }),
    Function::new("IncMinor", &[], |scope, mut given| {
        let version = given.version()?;
        let minor = version.minor.wrapping_add(1);
        made(scope, version.next(version.major, minor, 0))
    }),
    Function::new("IncPatch", &[], |scope, mut given| {
        let version = given.version()?;
        let patch = version
            .patch
            .wrapping_add(u64::from(version.pre.is_empty()));
        made(scope, version.next(version.major, version.minor, patch))
    }),
    Function::new("SetPrerelease", &[Parameter::Text], |scope, mut given| {
        let version = given.version()?;
        let pre = given.utf8()?;
        let is_fine = pre.is_empty() || are_identifiers(&pre) && has_no_leading_zero(&pre);
        if !is_fine {
            return Err(Fault::Refused);
        }
        let next = Version {
            pre,
            ..(*version).clone()
        };
        made(scope, version.renamed(next))
    }),
    Function::new("SetMetadata", &[Parameter::Text], |scope, mut given| {
        let version = given.version()?;
        let metadata = given.utf8()?;
        if !metadata.is_empty() && !are_identifiers(&metadata) {
            return Err(Fault::Refused);
        }
        let next = Version {
            metadata,
            ..(*version).clone()
        };
        made(scope, version.renamed(next))
    }),
    Function::new("MarshalText", &[], |scope, mut given| {
        let text = given.version()?.string();
        scope.byte_list(text.as_bytes())
    }),
    Function::new("MarshalJSON", &[], |scope, mut given| {
        // No character of a version has to be escaped.
        let text = format!("\"{}\"", given.version()?.string());
        scope.byte_list(text.as_bytes())
    }),
    Function::new("Value", &[], |scope, mut given| {
        scope.text(given.version()?.string())
    }),
];

/// Methods of a pointer to a version.
pub(crate) const POINTER_METHODS: &[Function] = &[
    Function::new("Original", &[], |scope, mut given| {
        scope.text(given.version()?.original.clone())
    }),
    Function::new("Compare", &[Parameter::Version], |scope, given| {
        compared(scope, given, |order| Value::Int(order as i64))
    }),
    Function::new("Equal", &[Parameter::Version], |scope, given| {
        compared(scope, given, |order| order.is_eq().into())
    }),
    Function::new("LessThan", &[Parameter::Version], |scope, given| {
        compared(scope, given, |order| order.is_lt().into())
    }),
    Function::new("LessThanEqual", &[Parameter::Version], |scope, given| {
        compared(scope, given, |order| order.is_le().into())
    }),
    Function::new("GreaterThan", &[Parameter::Version], |scope, given| {
        compared(scope, given, |order| order.is_gt().into())
    }),
    Function::new("GreaterThanEqual", &[Parameter::Version], |scope, given| {
        compared(scope, given, |order| order.is_ge().into())
    }),
];

fn made(scope: &mut Scope<'_>, version: Version) -> Result<Value, Fault> {
    // All that are made of it are as long as it.
    scope.steps(version.bytes() / BYTES_A_STEP)?;
    scope.meter.memory(version.bytes())?;
    Ok(Value::Object(Object::VersionValue(Rc::new(version))))
}

/// What texts of a version take to be made or compared.
const BYTES_A_STEP: usize = 64;
const COMPARED_A_STEP: usize = 16;

fn compared(
    scope: &mut Scope<'_>,
    mut given: Arguments,
    result: fn(Ordering) -> Value,
) -> Result<Value, Fault> {
    let (ours, theirs) = (given.version()?, given.version()?);
    scope.steps(ours.pre.len().min(theirs.pre.len()) / COMPARED_A_STEP)?;
    Ok(result(ours.compare(&theirs)))
}
