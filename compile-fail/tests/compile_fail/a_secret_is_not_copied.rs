use strongroom::secret_sharing::SecretToEncrypt;

fn copy(secret: &SecretToEncrypt) -> SecretToEncrypt {
    secret.clone()
}

fn main() {}
