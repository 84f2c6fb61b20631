use strongroom::{api, secret_sharing::SecretToEncrypt};

fn send(secret: &SecretToEncrypt) {
    let _ = api::send_secret("txn", secret); //~ E0308 expected `&EncryptedSecretSend`, found `&SecretToEncrypt`
}
