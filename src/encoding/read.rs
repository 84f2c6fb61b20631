//! What was read leniently: the value, and what had to be made good.

/// A value that was read, and what is to be said of how it was written.
///
/// ```
/// use strongroom::secret_value::SecretValue;
///
/// let read = SecretValue::read(&"org.example.secret".into(), b"text")?;
/// assert_eq!(read.value.name().as_str(), "org.example.secret");
/// assert!(read.repairs.is_empty(), "as the specification says");
/// # Ok::<(), strongroom::encoding::format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read<T, R> {
    /// The value.
    pub value: T,
    /// What was not as specified, and made good on the way; empty for what clients write today.
    pub repairs: Vec<R>,
}
