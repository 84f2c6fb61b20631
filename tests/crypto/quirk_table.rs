//! Our verdict for every named row of `libolm/quirks.json` and `vodozemac/quirks.json`, and the
//! reason where it is not theirs.

use self::Verdict::{
    Damaged, KeyAccepted, KeyRefused, Malformed, NonContributory, Opens, OpensTo,
    OpensUnderCiphertext, SealingRefused, WrongKey,
};

/// What we make of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Opens to the plaintext of the row "unchanged".
    Opens,
    /// The same, the MAC covering the ciphertext.
    OpensUnderCiphertext,
    /// Opens to another plaintext.
    OpensTo,
    WrongKey,
    Damaged,
    NonContributory,
    Malformed,
    /// A public or private key that is read.
    KeyAccepted,
    /// A public or private key that is not read.
    KeyRefused,
    /// A public key that is well formed and not sealed to.
    SealingRefused,
}

/// One named row.
#[derive(Debug)]
pub(crate) struct Quirk {
    pub(crate) name: &'static str,
    pub(crate) ours: Verdict,
    /// Why libolm's verdict is another, or may be where it depends on the data.
    pub(crate) not_as_libolm: &'static str,
    /// Why vodozemac's verdict is another.
    pub(crate) not_as_vodozemac: &'static str,
}

/// The verdict for a row of this name.
pub(crate) fn known(name: &str) -> Option<&'static Quirk> {
    QUIRKS.iter().find(|quirk| quirk.name == name)
}

const fn agreed(name: &'static str, ours: Verdict) -> Quirk {
    Quirk { name, ours, not_as_libolm: "", not_as_vodozemac: "" }
}

const fn not_libolm(name: &'static str, ours: Verdict, why: &'static str) -> Quirk {
    Quirk { name, ours, not_as_libolm: why, not_as_vodozemac: "" }
}

const fn not_vodozemac(name: &'static str, ours: Verdict, why: &'static str) -> Quirk {
    Quirk { name, ours, not_as_libolm: "", not_as_vodozemac: why }
}

const fn neither(name: &'static str, ours: Verdict, why: &'static str) -> Quirk {
    Quirk { name, ours, not_as_libolm: why, not_as_vodozemac: why }
}

const EIGHT_BYTES: &str = "vodozemac compares as many bytes as are given; a MAC is 8 bytes";
const BOTH_SCHEMES: &str = "the proposals let the MAC cover the ciphertext, so that is read too";
const PADDED: &str = "padded base64 is read everywhere, libolm takes its characters for a length";
const UNUSED_BITS: &str = "libolm wrote and writes unused bits that are not zero";
const NOT_BASE64: &str = "libolm decodes characters outside the alphabet to something";
const LENGTH: &str = "libolm does not check the length of the ciphertext";
const PADDING: &str = "libolm looks at the last byte of the padding alone";
const LOW_ORDER: &str = "everybody knows the shared secret, so anyone can have sealed it";
const LOW_ORDER_RECIPIENT: &str = "everybody knows the shared secret, so anyone could open it";
const TRAILING: &str = "libolm uses the first 32 bytes; what follows shows that this is no key";

const QUIRKS: &[Quirk] = &[
    agreed("unchanged", Opens),
    agreed("mac: first byte flipped", WrongKey),
    agreed("mac: last byte flipped", WrongKey),
    not_vodozemac("mac: 7 bytes", Malformed, EIGHT_BYTES),
    not_vodozemac("mac: 4 bytes", Malformed, EIGHT_BYTES),
    not_vodozemac("mac: 1 byte", Malformed, EIGHT_BYTES),
    agreed("mac: empty string", Malformed),
    not_vodozemac("mac: full 32 byte HMAC of the empty string", Malformed, EIGHT_BYTES),
    agreed("mac: correct 8 bytes then 8 zero bytes", Malformed),
    agreed("mac: correct 8 bytes then 1 zero byte", Malformed),
    neither("mac: over the ciphertext bytes", OpensUnderCiphertext, BOTH_SCHEMES),
    agreed("mac: over the base64 ciphertext text", WrongKey),
    agreed("mac: all zero", WrongKey),
    not_libolm("mac: padded base64", Opens, PADDED),
    not_vodozemac("mac: non-canonical trailing bits", Opens, UNUSED_BITS),
    not_libolm("ephemeral: padded base64", Opens, PADDED),
    not_vodozemac("ephemeral: non-canonical trailing bits", Opens, UNUSED_BITS),
    not_libolm("ciphertext: padded base64", Opens, PADDED),
    not_libolm("all three padded base64", Opens, PADDED),
    not_libolm("ciphertext: URL-safe base64", Malformed, NOT_BASE64),
    not_libolm("ciphertext: trailing newline", Malformed, NOT_BASE64),
    not_libolm("ciphertext: leading space", Malformed, NOT_BASE64),
    agreed("ephemeral: trailing newline", Malformed),
    agreed("ephemeral: 31 bytes", Malformed),
    agreed("ephemeral: 33 bytes", Malformed),
    agreed("ephemeral: empty", Malformed),
    agreed("ephemeral: bit 255 set (RFC 7748 masks it)", Opens),
    agreed("ephemeral: other valid key", WrongKey),
    agreed("ciphertext: bit flipped in block 1 (mac does not cover it)", OpensTo),
    not_libolm("ciphertext: last block dropped", Damaged, PADDING),
    not_libolm("ciphertext: empty", Damaged, LENGTH),
    not_libolm("ciphertext: 15 bytes", Damaged, LENGTH),
    not_libolm("ciphertext: one byte too long", Damaged, LENGTH),
    not_libolm("padding: byte 0", Damaged, PADDING),
    agreed("padding: byte 1 (valid)", OpensTo),
    not_libolm("padding: byte 2 but preceding byte is 0x41 (inconsistent)", Damaged, PADDING),
    agreed("padding: byte 16 all equal (valid)", OpensTo),
    not_libolm("padding: byte 17, all 17 equal", Damaged, PADDING),
    not_libolm("padding: byte 32, all 32 equal", Damaged, PADDING),
    agreed("padding: byte 33", Damaged),
    agreed("padding: byte 255", Damaged),
    agreed("plaintext with an embedded NUL", OpensTo),
    agreed("plaintext that is not UTF-8", OpensTo),
    agreed("empty plaintext (one padding block)", OpensTo),
    low_order(
        "ephemeral: low order, all zero (u = 0); mac and ciphertext made from the all-zero shared secret",
    ),
    low_order(
        "ephemeral: low order, u = 1; mac and ciphertext made from the all-zero shared secret",
    ),
    low_order(
        "ephemeral: low order, order 8, first; mac and ciphertext made from the all-zero shared secret",
    ),
    low_order(
        "ephemeral: low order, order 8, second; mac and ciphertext made from the all-zero shared secret",
    ),
    low_order(
        "ephemeral: low order, u = p - 1; mac and ciphertext made from the all-zero shared secret",
    ),
    low_order(
        "ephemeral: low order, u = p (non-canonical 0); mac and ciphertext made from the all-zero shared secret",
    ),
    low_order(
        "ephemeral: low order, u = p + 1 (non-canonical 1); mac and ciphertext made from the all-zero shared secret",
    ),
    low_order_recipient("ENCRYPT to a low order recipient key, all zero (u = 0)"),
    low_order_recipient("ENCRYPT to a low order recipient key, u = 1"),
    low_order_recipient("ENCRYPT to a low order recipient key, order 8, first"),
    low_order_recipient("ENCRYPT to a low order recipient key, order 8, second"),
    low_order_recipient("ENCRYPT to a low order recipient key, u = p - 1"),
    low_order_recipient("ENCRYPT to a low order recipient key, u = p (non-canonical 0)"),
    low_order_recipient("ENCRYPT to a low order recipient key, u = p + 1 (non-canonical 1)"),
    agreed("set_recipient_key: padded base64", KeyAccepted),
    not_libolm(
        "set_recipient_key: valid key followed by 4 characters of garbage",
        KeyRefused,
        TRAILING,
    ),
    agreed("set_recipient_key: 31 bytes", KeyRefused),
    agreed("set_recipient_key: empty", KeyRefused),
    agreed("init_with_private_key: 0 bytes", KeyRefused),
    agreed("init_with_private_key: 31 bytes", KeyRefused),
    not_libolm("init_with_private_key: 33 bytes", KeyRefused, TRAILING),
    not_libolm("init_with_private_key: 64 bytes", KeyRefused, TRAILING),
];

const fn low_order(name: &'static str) -> Quirk {
    not_libolm(name, NonContributory, LOW_ORDER)
}

const fn low_order_recipient(name: &'static str) -> Quirk {
    not_libolm(name, SealingRefused, LOW_ORDER_RECIPIENT)
}
