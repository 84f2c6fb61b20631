//! Encryption of the connection.

use std::{fs, path::Path};

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsConfigBuilder, parse_pem};

use super::Outcome;
use crate::failure::Failure;

/// TLS with the system's roots, and those in a file.
pub(super) fn config(ca_file: Option<&Path>) -> Outcome<TlsConfig> {
    if !is_supported() {
        return Err(Failure::other(
            "this processor lacks the instructions that encryption needs here: run \u{201c}strongroom fetch\u{201d} on \
             another machine, and take its folder with --from",
        ));
    }
    let system = rustls_native_certs::load_native_certs();
    let mut roots: Vec<_> =
        system.certs.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    if let Some(file) = ca_file {
        roots.extend(certificates(file)?);
    }
    if roots.is_empty() {
        return Err(Failure::other(
            "this system has no certificates by which a homeserver can be recognised: install its package \
             ca-certificates, or name a file of them with --ca-file",
        ));
    }
    let config = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots));
    Ok(with_provider(config).build())
}

fn certificates(file: &Path) -> Outcome<Vec<Certificate<'static>>> {
    let pem = fs::read(file).map_err(|error| Failure::file(file, "read", &error))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(Failure::content(file, "this is no certificate in PEM format")),
        }
    }
    if certificates.is_empty() {
        return Err(Failure::content(
            file,
            "there is no certificate in it: it should hold \u{201c}-----BEGIN CERTIFICATE-----\u{201d}",
        ));
    }
    Ok(certificates)
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn with_provider(config: TlsConfigBuilder) -> TlsConfigBuilder {
    config.unversioned_rustls_crypto_provider(rustls_graviola::default_provider().into())
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn with_provider(config: TlsConfigBuilder) -> TlsConfigBuilder {
    config
}

/// Whether the processor has what `graviola` asks for: it panics where something is missing.
fn is_supported() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("aes")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("adx")
        && is_x86_feature_detected!("avx")
        && is_x86_feature_detected!("avx2");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("neon")
        && std::arch::is_aarch64_feature_detected!("aes")
        && std::arch::is_aarch64_feature_detected!("pmull")
        && std::arch::is_aarch64_feature_detected!("sha2");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}
