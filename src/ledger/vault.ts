import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { uuidv7, type Clock, type RandomBytes } from '../domain/ids.ts'
import type { Query, Tx } from '../storage/database.ts'
import {
  deleteVaultKey,
  insertVaultItem,
  selectVaultItem,
  selectVaultKey,
  upsertVaultKey,
} from '../storage/vault-records.ts'

export type Vault = {
  /** Stores a person's words encrypted under that person's key; the reference may stand in the ledger. */
  seal: (tx: Tx, tenantId: string, personId: string, text: string) => Promise<string>
  /** The words again, or undefined once the person was erased. */
  open: (query: Query, tenantId: string, ref: string) => Promise<string | undefined>
  /** Destroys the person's key: everything sealed under it can never be read again. */
  erase: (tx: Tx, tenantId: string, personId: string) => Promise<void>
}

const algorithm = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

function encrypt(key: Uint8Array, plain: Uint8Array, randomBytes: RandomBytes): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, key, nonce)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: Uint8Array, sealed: Buffer): Buffer {
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes))
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes)), decipher.final()])
}

/** Personal data beside the ledger: AES-256-GCM under one key per person, each wrapped by the installation's secret. */
export function createVault({
  secretKey,
  clock,
  randomBytes,
}: {
  secretKey: string
  clock: Clock
  randomBytes: RandomBytes
}): Vault {
  const master = createHash('sha256').update('custos vault\0').update(secretKey).digest()
  const keyOf = async (tx: Tx, tenantId: string, personId: string): Promise<Buffer> => {
    const wrapped = await upsertVaultKey(tx, tenantId, personId, encrypt(master, randomBytes(32), randomBytes))
    return decrypt(master, wrapped)
  }
  return {
    async seal(tx, tenantId, personId, text) {
      const key = await keyOf(tx, tenantId, personId)
      const id = uuidv7(clock(), randomBytes)
      await insertVaultItem(tx, {
        id,
        tenantId,
        personId,
        sealed: encrypt(key, Buffer.from(text, 'utf8'), randomBytes),
      })
      return id
    },
    async open(query, tenantId, ref) {
      const item = await selectVaultItem(query, tenantId, ref)
      if (item === undefined) return undefined
      const wrapped = await selectVaultKey(query, tenantId, item.personId)
      return wrapped === undefined ? undefined : decrypt(decrypt(master, wrapped), item.sealed).toString('utf8')
    },
    erase: (tx, tenantId, personId) => deleteVaultKey(tx, tenantId, personId),
  }
}
