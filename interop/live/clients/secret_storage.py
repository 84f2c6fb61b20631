"""mautrix in Python: its secret storage and cross-signing.

    secret_storage.py generate   HOMESERVER USER TOKEN DEVICE PASSPHRASE     makes both; the passphrase may be empty
    secret_storage.py verify     HOMESERVER USER TOKEN DEVICE RECOVERY_KEY   signs the device with what the key opens
    secret_storage.py passphrase HOMESERVER USER TOKEN DEVICE PASSPHRASE     opens the secrets

Prints one line of JSON.
"""

import asyncio
import base64
import json
import sys

from mautrix.client import Client
from mautrix.client.state_store import MemoryStateStore
from mautrix.crypto import MemoryCryptoStore, OlmMachine, StateStore

SECRETS = ["m.cross_signing.master", "m.cross_signing.self_signing", "m.cross_signing.user_signing", "m.megolm_backup.v1"]


class Rooms(MemoryStateStore, StateStore):
    """No room is encrypted, and none is shared with anybody."""

    async def is_encrypted(self, room_id):
        return False

    async def find_shared_rooms(self, user_id):
        return []


async def machine_of(client, device):
    store = MemoryCryptoStore(client.mxid, "pickle")
    await store.put_device_id(device)
    machine = OlmMachine(client, store, Rooms())
    await machine.load()
    await machine.share_keys()
    return machine


async def open_secrets(machine, passphrase):
    key_id, data = await machine.ssss.get_default_key_data()
    key = data.verify_passphrase(key_id, passphrase)
    secrets = {}
    for name in SECRETS:
        content = await machine.ssss.get_decrypted_account_data(name, key)
        secrets[name] = base64.b64encode(content).decode().rstrip("=")
    return secrets


async def run(command, homeserver, user, token, device, typed):
    client = Client(mxid=user, device_id=device, base_url=homeserver, token=token)
    try:
        machine = await machine_of(client, device)
        if command == "generate":
            return {"recovery_key": await machine.generate_recovery_key(typed or None)}
        if command == "verify":
            await machine.verify_with_recovery_key(typed)
            return {"master": machine._cross_signing_public_keys.master_key}
        return {"secrets": await open_secrets(machine, typed)}
    finally:
        await client.api.session.close()


print(json.dumps(asyncio.run(run(*sys.argv[1:]))))
