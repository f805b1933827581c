//! What makes keys, certificates and hashes that take long on purpose. Nothing allows these.

use super::{Function, Parameter, Why};

const TWO: &[Parameter] = &[Parameter::Text, Parameter::Text];
const SELF_SIGNED: &[Parameter] = &[
    Parameter::Text,
    Parameter::List,
    Parameter::List,
    Parameter::Int,
];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::off("genPrivateKey", &[Parameter::Text], Why::Keys),
    Function::off("genCA", &[Parameter::Text, Parameter::Int], Why::Keys),
    Function::off(
        "genCAWithKey",
        &[Parameter::Text, Parameter::Int, Parameter::Text],
        Why::Keys,
    ),
    Function::off("genSelfSignedCert", SELF_SIGNED, Why::Keys),
    Function::off(
        "genSelfSignedCertWithKey",
        &[
            Parameter::Text,
            Parameter::List,
            Parameter::List,
            Parameter::Int,
            Parameter::Text,
        ],
        Why::Keys,
    ),
    Function::off(
        "genSignedCert",
        &[
            Parameter::Text,
            Parameter::List,
            Parameter::List,
            Parameter::Int,
            Parameter::Certificate,
        ],
        Why::Keys,
    ),
    Function::off(
        "genSignedCertWithKey",
        &[
            Parameter::Text,
            Parameter::List,
            Parameter::List,
            Parameter::Int,
            Parameter::Certificate,
            Parameter::Text,
        ],
        Why::Keys,
    ),
    // It makes neither, but is of use with what others make only.
    Function::off("buildCustomCert", TWO, Why::Keys),
    Function::off("bcrypt", &[Parameter::Text], Why::Costly),
    Function::off("htpasswd", TWO, Why::Costly),
    Function::off(
        "derivePassword",
        &[
            Parameter::Uint32,
            Parameter::Text,
            Parameter::Text,
            Parameter::Text,
            Parameter::Text,
        ],
        Why::Costly,
    ),
];
