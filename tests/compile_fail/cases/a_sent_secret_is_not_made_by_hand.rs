use strongroom::secret_sharing::SecretSend;

fn pretend(secret: &str) -> SecretSend {
    SecretSend::new("1".into(), secret.into()) //~ E0624 associated function `new` is private
}
