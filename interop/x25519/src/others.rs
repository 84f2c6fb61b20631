//! The other implementations, each through its own interface.

use aws_lc_rs::agreement as aws_lc;
use graviola::key_agreement::x25519 as graviola;

use crate::Bytes;

/// An implementation of X25519.
pub struct Other {
    /// What its crate is called.
    pub name: &'static str,
    /// The agreement of a secret with a point; all zero if it is refused for being that.
    pub agree: fn(&Bytes, &Bytes) -> Bytes,
    /// The product of a secret and the base point.
    pub public_key: fn(&Bytes) -> Bytes,
}

/// `x25519-dalek`, and those whose arithmetic is proved: that of HACL*, and that of s2n-bignum in the last two.
pub const OTHERS: [Other; 4] = [
    Other { name: "x25519-dalek", agree: dalek_agree, public_key: dalek_public_key },
    Other { name: "libcrux-curve25519", agree: libcrux_agree, public_key: libcrux_public_key },
    Other { name: "aws-lc-rs", agree: aws_lc_agree, public_key: aws_lc_public_key },
    Other { name: "graviola", agree: graviola_agree, public_key: graviola_public_key },
];

fn dalek_agree(secret: &Bytes, point: &Bytes) -> Bytes {
    let secret = x25519_dalek::StaticSecret::from(*secret);
    secret.diffie_hellman(&x25519_dalek::PublicKey::from(*point)).to_bytes()
}

fn dalek_public_key(secret: &Bytes) -> Bytes {
    x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(*secret)).to_bytes()
}

fn libcrux_agree(secret: &Bytes, point: &Bytes) -> Bytes {
    let mut shared = [0; 32];
    let _: Result<(), _> = libcrux_curve25519::ecdh(&mut shared, point, secret);
    shared
}

fn libcrux_public_key(secret: &Bytes) -> Bytes {
    let mut public = [0; 32];
    libcrux_curve25519::secret_to_public(&mut public, secret);
    public
}

fn aws_lc_agree(secret: &Bytes, point: &Bytes) -> Bytes {
    let point = aws_lc::UnparsedPublicKey::new(&aws_lc::X25519, point);
    aws_lc::agree(&aws_lc_secret(secret), point, (), |shared| {
        Bytes::try_from(shared).map_err(|_| ())
    })
    .unwrap_or_default()
}

fn aws_lc_public_key(secret: &Bytes) -> Bytes {
    let public = aws_lc_secret(secret).compute_public_key().expect("a secret has a public half");
    public.as_ref().try_into().expect("32 bytes")
}

fn aws_lc_secret(secret: &Bytes) -> aws_lc::PrivateKey {
    aws_lc::PrivateKey::from_private_key(&aws_lc::X25519, secret)
        .expect("any 32 bytes are a secret")
}

fn graviola_agree(secret: &Bytes, point: &Bytes) -> Bytes {
    let secret = graviola::StaticPrivateKey::from_array(secret);
    let shared = secret.diffie_hellman(&graviola::PublicKey::from_array(point));
    shared.map_or([0; 32], |shared| shared.as_bytes())
}

fn graviola_public_key(secret: &Bytes) -> Bytes {
    graviola::StaticPrivateKey::from_array(secret).public_key().as_bytes()
}
