use strongroom::secret_sharing::SecretToEncrypt;

fn copy(secret: &SecretToEncrypt) -> SecretToEncrypt {
    secret.clone() //~ E0308 expected `SecretToEncrypt`, found `&SecretToEncrypt`
}
