use strongroom::{api::SendToDevice, secret_sharing::SecretToEncrypt};

fn send(secret: &SecretToEncrypt) {
    let _ = SendToDevice::secret("txn".into(), secret); //~ E0308 expected `&EncryptedSecretSend`, found `&SecretToEncrypt`
}
