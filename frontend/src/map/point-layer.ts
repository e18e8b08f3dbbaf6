/**
 * Points as one draw of WebGL's own points.
 *
 * deck.gl's layers draw each point as an instance of a quad; a browser without a graphics card (SwiftShader) then works
 * for half a minute at one frame of 29,000 titles, and some 40 times less at the same as points.
 */
import { Layer, type LayerProps, type UpdateParameters, project32 } from "@deck.gl/core";
import type { Buffer } from "@luma.gl/core";
import { Model } from "@luma.gl/engine";

interface Own {
  /** [n, 2] */
  positions: Float32Array;
  /** [n, 4] */
  colours: Uint8Array;
  /** [n] 0..1 */
  sizes: Float32Array;
  /** How many are drawn, from the first; null = all. */
  most?: number | null;
  /** Diameter in pixels of a point of size 1, and of the smallest. */
  scale: number;
  least: number;
  /** Only the rim. */
  ring?: boolean;
  /** How far a rim of another colour goes, in pixels. */
  edge?: number;
  edgeColour?: [number, number, number];
}

type Props = LayerProps & Own;

const uniforms = `\
layout(std140) uniform dotsUniforms {
  float scale;
  float least;
  float ring;
  float edge;
  vec3 edgeColour;
} dots;
`;

const dots = {
  name: "dots",
  vs: uniforms,
  fs: uniforms,
  uniformTypes: { scale: "f32", least: "f32", ring: "f32", edge: "f32", edgeColour: "vec3<f32>" },
} as const;

const VERTEX = `#version 300 es
#define SHADER_NAME dots-vertex
in vec2 positions;
in vec4 colours;
in float sizes;
out vec4 colour;
out float diameter;
void main(void) {
  gl_Position = project_position_to_clipspace(vec3(positions, 0.0), vec3(0.0), vec3(0.0));
  diameter = (max(dots.least, dots.scale * sizes) + 2.0 * dots.edge) * project.devicePixelRatio;
  gl_PointSize = diameter;
  colour = colours;
}
`;

const FRAGMENT = `#version 300 es
#define SHADER_NAME dots-fragment
precision highp float;
in vec4 colour;
in float diameter;
out vec4 fragColor;
void main(void) {
  float away = length(gl_PointCoord - 0.5) * diameter;
  float radius = 0.5 * diameter;
  float inside = 1.0 - smoothstep(radius - 1.2, radius, away);
  if (dots.ring > 0.5) inside *= smoothstep(radius - 4.5, radius - 3.3, away);
  if (inside < 0.01) discard;
  float rim = dots.edge > 0.0 ? smoothstep(radius - 2.0 * dots.edge - 0.6, radius - 2.0 * dots.edge + 0.6, away) : 0.0;
  fragColor = vec4(mix(colour.rgb, dots.edgeColour, rim), colour.a * inside);
}
`;

export class PointLayer extends Layer<Own> {
  static override layerName = "PointLayer";

  declare state: { model?: Model; buffers?: Record<string, Buffer> };

  override initializeState(): void {
    this.state = {};
  }

  override updateState({ props, oldProps, context }: UpdateParameters<this>): void {
    const { positions, colours, sizes } = props as Props;
    const before = oldProps as Partial<Props>;
    if (positions === before.positions && colours === before.colours && sizes === before.sizes && this.state.model) return;
    this.forget();
    if (sizes.length === 0) return;
    const { device } = context;
    const buffers = {
      positions: device.createBuffer(positions),
      colours: device.createBuffer(colours),
      sizes: device.createBuffer(sizes),
    };
    const model = new Model(device, {
      ...this.getShaders({ vs: VERTEX, fs: FRAGMENT, modules: [project32, dots] }),
      id: this.props.id,
      topology: "point-list",
      isInstanced: false,
      vertexCount: sizes.length,
      attributes: buffers,
      bufferLayout: [
        { name: "positions", format: "float32x2" },
        { name: "colours", format: "unorm8x4" },
        { name: "sizes", format: "float32" },
      ],
      parameters: {
        depthWriteEnabled: false,
        depthCompare: "always",
        blend: true,
        blendColorSrcFactor: "src-alpha",
        blendColorDstFactor: "one-minus-src-alpha",
        blendAlphaSrcFactor: "one",
        blendAlphaDstFactor: "one-minus-src-alpha",
      },
    });
    this.setState({ model, buffers });
  }

  override draw(): void {
    const { model } = this.state;
    if (!model) return;
    const { scale, least, sizes, most = null, ring = false, edge = 0, edgeColour = [0, 0, 0] } = this.props as Props;
    const unit = edgeColour.map((part) => part / 255) as [number, number, number];
    model.shaderInputs.setProps({ dots: { scale, least, ring: ring ? 1 : 0, edge, edgeColour: unit } });
    model.setVertexCount(most === null ? sizes.length : Math.min(most, sizes.length));
    model.draw(this.context.renderPass);
  }

  override finalizeState(): void {
    this.forget();
  }

  private forget(): void {
    this.state.model?.destroy();
    for (const buffer of Object.values(this.state.buffers ?? {})) buffer.destroy();
    this.state = {};
  }
}
