/** Owns the types of the parts of webtorrent and bencode that Slipway uses; neither package ships any. Source: their code, 3.0.21 and 4.0.1. */

declare module 'bencode' {
  export type Bencodable =
    | string
    | number
    | Uint8Array
    | readonly Bencodable[]
    | { readonly [key: string]: Bencodable };
  const bencode: { encode(value: Bencodable): Uint8Array };

  // biome-ignore lint/style/noDefaultExport: the package has no other.
  export { bencode as default };
}

declare module 'webtorrent' {
  import type { EventEmitter } from 'node:events';
  import type { Server } from 'node:net';

  export type StoreCallback = (error: Error | null, bytes?: Uint8Array) => void;

  /** An abstract-chunk-store: pieces by index, callbacks in Node's style. */
  export interface ChunkStore {
    readonly chunkLength: number;
    get(index: number, options: { offset?: number; length?: number } | null | undefined, done: StoreCallback): void;
    put(index: number, bytes: Uint8Array, done: StoreCallback): void;
    close(done: StoreCallback): void;
    destroy(done: StoreCallback): void;
  }

  export interface WireEvents {
    download: [payloadBytes: number];
    upload: [payloadBytes: number];
    piece: [index: number, offset: number, bytes: Uint8Array];
    request: [index: number, offset: number, length: number];
    bitfield: [];
    have: [index: number];
    'have-all': [];
    'have-none': [];
    choke: [];
    unchoke: [];
    extended: [name: string];
    error: [error: Error];
    close: [];
  }

  /** An extension of BEP 10; its name is on the prototype. */
  export type WireExtension = new (wire: Wire) => object;

  export interface Wire extends EventEmitter<WireEvents> {
    /** `webSeed`, `tcpIncoming`, `tcpOutgoing`. */
    readonly type: string;
    /** Hex; chosen by the other side at its start. */
    readonly peerId: string | null;
    readonly peerChoking: boolean;
    /** Set by the torrent that the connection belongs to, once the other side has said what it has. */
    readonly isSeeder?: boolean;
    readonly destroyed: boolean;
    readonly peerPieces: { get(index: number): boolean };
    /** Names of the other side's extensions. */
    readonly peerExtendedMapping: Readonly<Record<string, number>>;
    /** What is sent in the extended handshake, besides the names of the extensions. */
    readonly extendedHandshake: Record<string, number>;
    readonly lt_donthave: EventEmitter<{ donthave: [index: number] }>;
    /** Not in the public interface; see torrent-internals.ts. */
    readonly _readableState: { readonly buffered: number };
    _write: (data: Uint8Array, done: (error: null) => void) => void;
    _buffer: Uint8Array[];
    _bufferSize: number;
    readonly _parserSize: number;
    readonly _cryptoSyncPattern: Uint8Array | null;
    readonly _encryptor: { decrypt(data: Uint8Array): Uint8Array; readonly encryptionMethod: number | null } | null;
    _processBuffer(): void;
    use(extension: WireExtension): void;
    downloadSpeed(): number;
    request(
      index: number,
      offset: number,
      length: number,
      done: (error: Error | null, block: Uint8Array) => void,
    ): void;
    cancel(index: number, offset: number, length: number): void;
    have(index: number): void;
    uninterested(): void;
    destroy(): void;
  }

  export interface TorrentEvents {
    infoHash: [];
    ready: [];
    done: [];
    verified: [pieceIndex: number];
    close: [];
    wire: [wire: Wire, address: string | undefined];
    warning: [error: Error];
    error: [error: Error];
  }

  export interface Torrent extends EventEmitter<TorrentEvents> {
    readonly infoHash: string;
    readonly length: number;
    readonly downloaded: number;
    readonly progress: number;
    readonly downloadSpeed: number;
    readonly uploadSpeed: number;
    readonly wires: readonly Wire[];
    readonly ready: boolean;
    readonly done: boolean;
    readonly destroyed: boolean;
    readonly bitfield: { readonly buffer: Uint8Array; get(index: number): boolean };
    /** Not in the public interface; see torrent-internals.ts. */
    _markVerified(index: number): void;
    /** Not in the public interface; see torrent-internals.ts. */
    _checkDone(): void;
    /** Not in the public interface; see torrent-internals.ts. */
    _update: () => void;
    addPeer(address: string): boolean;
    addWebSeed(url: string): void;
    destroy(options: { destroyStore: boolean }, done?: () => void): void;
  }

  export interface TorrentOptions {
    path?: string;
    preloadedStore?: ChunkStore;
    storeCacheSlots?: number;
    skipVerify?: boolean;
    /** Nothing is fetched but what is selected. */
    deselect?: boolean;
    /** Peers that are given something at the same time. */
    uploads?: number;
    alwaysChokeSeeders?: boolean;
    /** Pieces that are there already, one bit each. */
    bitfield?: Uint8Array;
    strategy?: 'rarest' | 'sequential';
    maxWebConns?: number;
    private?: boolean;
  }

  export interface ClientOptions {
    torrentPort?: number;
    maxConns?: number;
    dht?: false;
    lsd?: false;
    tracker?: false;
    utPex?: false;
    utp?: false;
    natUpnp?: false;
    natPmp?: false;
    webSeeds?: boolean;
    /** 0 is plain TCP; 1 tries protocol encryption first. */
    secure?: 0 | 1 | 2;
    uploadLimit?: number;
    downloadLimit?: number;
  }

  export interface ClientEvents {
    listening: [];
    error: [error: Error];
  }

  class WebTorrent extends EventEmitter<ClientEvents> {
    constructor(options: ClientOptions);
    readonly torrentPort: number;
    /** Hex. */
    readonly peerId: string;
    readonly destroyed: boolean;
    /** Not in the public interface: the only way to the address that the client listens on. */
    readonly _connPool: { readonly tcpServer: Server } | null;
    /** Not in the public interface; see torrent-internals.ts. */
    _getByHash: (handshakeHash: string) => Promise<Torrent | null>;
    add(torrent: Uint8Array, options: TorrentOptions): Torrent;
    throttleUpload(bytesPerSecond: number): void;
    throttleDownload(bytesPerSecond: number): void;
    destroy(done: (error?: Error) => void): void;
  }

  // biome-ignore lint/style/noDefaultExport: the package has no other.
  export { WebTorrent as default };
}

declare module 'bittorrent-protocol' {
  import type { Wire } from 'webtorrent';

  export interface ProtocolWire extends Wire {
    write(bytes: Uint8Array): void;
    /** Names of the own extensions by the id that the other side uses. */
    readonly extendedMapping: Readonly<Record<number, string>>;
    /** Not in the public interface; see peer-protocol.ts. */
    _onExtended(id: number, message: Uint8Array): void;
    /** Not in the public interface; see peer-protocol.ts. */
    _onMessageLength(head: Uint8Array): void;
  }
  const Protocol: { new (type: string, secure: 0 | 1 | 2): ProtocolWire; readonly prototype: ProtocolWire };

  // biome-ignore lint/style/noDefaultExport: the package has no other.
  export { Protocol as default };
}
